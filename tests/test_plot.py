"""Figures: what is drawn, what it is called, and what is refused."""

import base64
import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

mpl.use("agg")

from course_utils import figure_content, plot, surfaces
from course_utils.descent import Path
from course_utils.plot import theme

X = np.arange(5.0)


class Bowl:
    """A surface without TensorFlow: x² + y² on a square."""

    domain = ((-1.0, 1.0), (-1.0, 1.0))
    axis_names = ("first", "second")
    minima = ((0.0, 0.0),)
    name = "bowl"

    def grid(self, resolution):
        """Return x, y and the losses."""
        x = y = np.linspace(-1, 1, resolution)
        return x, y, x[np.newaxis] ** 2 + y[:, np.newaxis] ** 2


@pytest.fixture(autouse=True)
def _course_style():
    import matplotlib.pyplot as plt

    with mpl.rc_context():
        plot.style()
        yield
    plt.close("all")


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def path(points, label="path"):
    points = np.array(points, dtype=float)
    return Path(points, (points**2).sum(axis=1), label, {"loss": len(points)})


def test_importing_costs_neither_pyplot_nor_tensorflow():
    code = "import sys, course_utils.plot as p; p.style(); print([m for m in sys.modules if m in "
    code += "('tensorflow', 'keras', 'matplotlib.pyplot')])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_functions_are_not_hidden_by_modules_of_the_package():
    assert all(callable(getattr(plot, name)) for name in plot.__all__ if name.islower())


def test_neighbouring_colours_differ_in_lightness():
    lightness = [np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)) for colour in plot.COLOURS]
    assert len(set(plot.COLOURS)) == len(plot.LINE_STYLES) == len(plot.MARKERS) == 8
    assert max(lightness) < 0.75  # readable on white
    assert np.abs(np.diff(lightness[:6])).min() > 0.02


def test_style_makes_figures_opaque_small_and_cycles_line_styles():
    axes = plot.figure()
    assert to_hex(axes.figure.get_facecolor()) == "#ffffff"
    assert not mpl.rcParams["savefig.transparent"]
    assert axes.figure.dpi == 100
    first, second = axes.plot(X, X)[0], axes.plot(X, X)[0]
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_color() != second.get_color()


def test_figure_returns_one_axes_or_an_array():
    assert hasattr(plot.figure(), "plot")
    assert plot.figure(1, 3).shape == (3,)
    grid = plot.figure(2, 2, width=5, height=4, sharex=True, title="all")
    assert grid.shape == (2, 2)
    assert tuple(grid[0, 0].figure.get_size_inches()) == (5, 4)
    assert grid[0, 0].figure.get_suptitle() == "all"
    with pytest.raises(ValueError, match="rows must be a whole number of at least 1"):
        plot.figure(0)


def test_long_titles_break_at_the_width_of_their_axes_and_not_inside_formulas():
    axes = plot.figure(1, 3)
    text = "a rather long title with a formula $a + b + c$ that has to break into lines"
    axes[0].set_title(text)
    axes[0].figure.draw_without_rendering()
    assert axes[0].get_title() == text
    drawn = axes[0].title._get_wrapped_text()
    assert "\n" in drawn
    assert "$a + b + c$" in drawn
    # Also where the notebook made the axes itself.
    import matplotlib.pyplot as plt

    own = plt.subplots(1, 4)[1][0]
    plot.curves(X, X, title=text, axes=own)
    own.figure.draw_without_rendering()
    assert "\n" in own.title._get_wrapped_text()


def test_curves_differ_in_colour_and_line_style_and_are_labelled():
    axes = plot.curves(
        X, [X, 2 * X], labels=["one", "two"], x="epoch", y="loss", title="rises", yscale="symlog"
    )
    assert [line.get_label() for line in axes.lines] == ["one", "two"] == labels(axes)
    assert len({line.get_color() for line in axes.lines}) == 2
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert len({line.get_marker() for line in axes.lines}) == 2  # few points: markers too
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("epoch", "loss", "rises")
    assert axes.get_yscale() == "symlog"
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), 2 * X)


def test_curves_take_one_row_and_transposed_rows_and_existing_axes():
    axes = plot.curves(X, X)
    assert axes.get_legend() is None
    assert plot.curves(X, X + 1, axes=axes) is axes
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    by_point = plot.curves(X, np.stack([X, X + 1, X + 2], axis=1), labels=list("abc"))
    np.testing.assert_array_equal(by_point.lines[2].get_ydata(), X + 2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X, X[:3]), {}, "x has 5 values, but y has shape"),
        ((X, [X, X]), {"labels": ["one"]}, "2 lines or groups but 1 labels"),
        ((X, X * np.nan), {}, "every value of y is NaN or infinite"),
        ((X, -X), {"yscale": "log"}, "no value of y is positive"),
        ((X, X), {"xscale": "cubic"}, "xscale must be one of 'linear'"),
        (([], []), {}, "x has no values"),
    ],
)
def test_curves_say_what_is_wrong(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot.curves(*arguments, **options)


def test_words_are_refused_and_so_are_several_axes():
    with pytest.raises(TypeError, match="y must be numbers"):
        plot.curves(X, ["a"] * 5)
    with pytest.raises(TypeError, match="axes must be one matplotlib axes"):
        plot.curves(X, X, axes=plot.figure(1, 2))


def test_legend_keeps_off_the_data():
    rising = plot.curves(X, [X, X / 2], labels=["one", "two"])
    assert rising.get_legend()._loc == 2  # upper left
    crowded = plot.curves(np.arange(200), np.random.default_rng(0).random((4, 200)), labels=list("abcd"))
    assert crowded.get_legend().get_bbox_to_anchor().x0 > crowded.bbox.x1


def test_bands_show_mean_and_spread():
    runs = np.array([[1.0, 2, 3, 4, 5], [3, 4, 5, 6, 7], [2, 3, 4, 5, 6]])
    axes = plot.bands(X, {"some": runs, "more": runs + 3}, x="epoch", y="loss", title="falls")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), X + 2)
    low, high = axes.collections[0].get_paths()[0].get_extents().intervaly
    assert (low, high) == (1.0, 7.0)  # mean ± 1
    assert labels(axes) == ["some", "more"]
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()


def test_a_band_never_leaves_the_range_of_its_runs():
    runs = np.array([[0.0] * 5, [0.0] * 5, [0.0] * 5, [1.0] * 5])
    low, high = plot.bands(X, runs).collections[0].get_paths()[0].get_extents().intervaly
    assert low == 0.0
    assert 0.25 < high <= 1.0
    outer = plot.bands(X, [runs], spread="range", centre="median")
    assert outer.collections[0].get_paths()[0].get_extents().intervaly[1] == 1.0
    assert outer.lines[0].get_ydata()[0] == 0.0


def test_bands_refuse_other_shapes_and_options():
    with pytest.raises(ValueError, match=r"needs the shape \(seeds, 5\)"):
        plot.bands(X, [np.ones((3, 4))])
    with pytest.raises(ValueError, match="spread must be one of 'std', 'range'"):
        plot.bands(X, np.ones((3, 5)), spread="iqr")


def test_flow_is_logarithmic_and_leaves_zeros_out():
    axes = plot.flow({"first": [0, 1e-3, 1e-4], "last": [1, 1, 1]}, [0, 10, 20], title="vanishes")
    assert axes.get_yscale() == "log"
    assert labels(axes) == ["first", "last"]
    assert np.isnan(axes.lines[0].get_ydata()[0])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "gradient norm")
    with pytest.raises(ValueError, match="one curve per layer"):
        plot.flow([1, 2, 3])
    with pytest.raises(ValueError, match="no value of norms is positive"):
        plot.flow({"dead": [0, 0]})


def test_function_table_draws_each_function_beside_its_derivative():
    table = [
        ("ReLU", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
        ("step", np.sign, None),
        ("tan", np.tanh, None),
    ]
    axes = plot.function_table(table, columns=2, title="three", limits=(-2, 2))
    assert [each.get_title() for each in axes] == ["ReLU", "step", "tan"]
    jump = axes[0].lines[2].get_ydata()
    assert np.isnan(jump).sum() == 1  # the derivative's jump stays open
    assert not np.isnan(axes[0].lines[1].get_ydata()).any()
    assert axes[0].get_ylim() == (-2, 2)
    assert [text.get_text() for text in axes[0].figure.legends[0].get_texts()] == ["function", "derivative"]
    assert not axes[0].figure.axes[3].get_visible()
    with pytest.raises(ValueError, match="one value per argument"):
        plot.function_table([("sum", np.sum, None)])
    with pytest.raises(ValueError, match="the domain must run"):
        plot.function_table(table, domain=(1, 1))


def test_images_share_their_range_and_keep_their_titles():
    stack = np.arange(24.0).reshape(3, 2, 4)
    axes = plot.images(stack, titles=["a", "b", "c"], columns=2, title="all")
    assert axes.shape == (3,)
    assert [each.get_title() for each in axes] == ["a", "b", "c"]
    assert {each.images[0].get_clim() for each in axes} == {(0.0, 23.0)}
    assert axes[0].figure.get_suptitle() == "all"
    own = plot.images(stack, limits="each")
    assert own[1].images[0].get_clim() == (8.0, 15.0)
    assert plot.images(stack / 100)[0].images[0].get_clim() == (0.0, 1.0)
    assert plot.images(stack - 5, cmap="RdBu_r")[0].images[0].get_clim() == (-18.0, 18.0)


def test_images_take_channels_lists_and_single_pictures():
    assert plot.images(np.zeros((2, 4, 4, 1)))[0].images[0].get_array().shape == (4, 4)
    assert plot.images(np.zeros((2, 4, 4, 3)))[0].images[0].get_array().shape == (4, 4, 3)
    assert len(plot.images(np.zeros((4, 4)))) == 1
    assert len(plot.images([np.zeros((4, 4)), np.zeros((3, 5))], axes=plot.figure(1, 2))) == 2


@pytest.mark.parametrize(
    ("pictures", "options", "message"),
    [
        (np.zeros((200, 300, 3)), {}, "looks like one colour image"),
        (np.zeros((2, 4, 4, 7)), {}, "show channels as separate images"),
        (np.zeros((2, 4, 4)), {"titles": ["one"]}, "give one label for each"),
        (np.zeros((0, 4, 4)), {}, "no image"),
        (np.zeros((2, 4, 4)), {"limits": (1, 0)}, "from a smaller to a larger"),
    ],
)
def test_images_say_what_is_wrong(pictures, options, message):
    with pytest.raises(ValueError, match=message):
        plot.images(pictures, **options)


def test_heatmap_centres_its_cells_and_names_its_colours():
    values = np.arange(6.0).reshape(2, 3)
    axes = plot.heatmap(
        values,
        [1, 10, 100],
        [0, 1],
        x_label="rate",
        y_label="depth",
        colour_label="loss",
        xscale="log",
        levels=[2.5],
    )
    mesh = axes.collections[0]
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], 10.0 ** np.array([-0.5, 0.5, 1.5, 2.5]))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rate", "depth")
    assert axes.figure.axes[1].get_ylabel() == "loss"
    assert len(axes.collections) == 2  # the mesh and the contour line
    signed = plot.heatmap(values - 1, diverging=True).collections[0]
    assert signed.get_clim() == (-4.0, 4.0)


def test_heatmap_of_names_is_a_table():
    axes = plot.heatmap(np.array([[5, 0], [1, 4]]), ["cat", "dog"], ["cat", "dog"], numbers="{:.0f}")
    assert [text.get_text() for text in axes.texts] == ["5", "0", "1", "4"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert axes.yaxis_inverted()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(3),), {}, "must have two axes"),
        ((np.ones((2, 3)), [1, 2]), {}, "3 cells along x, but x has 2"),
        ((np.ones((2, 3)), [1, 3, 2]), {}, "x must increase or decrease"),
        ((np.ones((2, 3)), [0, 1, 2]), {"xscale": "log"}, "x must be positive"),
        ((np.ones((2, 3)),), {"log": True, "diverging": True}, "either log or diverging"),
        ((-np.ones((2, 3)),), {"log": True}, "no value of values is positive"),
        ((np.ones((2, 3)),), {"limits": (2, 1)}, "from a smaller to a larger"),
    ],
)
def test_heatmap_says_what_is_wrong(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot.heatmap(*arguments, **options)


POINTS = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])


@pytest.mark.parametrize(
    "predict",
    [
        lambda p: (p[:, 0] > 0.5).astype(int),
        lambda p: p[:, 0],
        lambda p: p[:, :1] - 0.5,
        lambda p: np.stack([0.5 - p[:, 0], p[:, 0] - 0.5], axis=1),
    ],
    ids=["labels", "probability", "score", "scores of classes"],
)
def test_decision_regions_follow_labels_probabilities_and_scores(predict):
    axes = plot.decision(
        predict, POINTS, [0, 1, 0, 1], class_names=["left", "right"], margin=0.0, resolution=41
    )
    regions = np.asarray(axes.images[0].get_array())
    assert (regions[:, :20] == 0).all()
    assert (regions[:, 21:] == 1).all()
    assert labels(axes) == ["left", "right"]
    border = np.concatenate([line.vertices for line in axes.collections[0].get_paths()])
    assert np.abs(border[:, 0] - 0.5).max() < 0.03
    marks = [each for each in axes.collections if len(each.get_offsets()) == 2]
    assert len({each.get_paths()[0].vertices.shape for each in marks}) == 2  # circles and squares


def test_decision_takes_other_labels_more_classes_and_no_regions():
    signs = plot.decision(
        lambda p: np.sign(p[:, 0] - 0.5), POINTS, [-1, 1, -1, 1], regions=False, x="a", y="b", title="t"
    )
    assert not signs.images
    assert labels(signs) == ["class -1", "class 1"]
    assert (signs.get_xlabel(), signs.get_ylabel(), signs.get_title()) == ("a", "b", "t")
    three = plot.decision(lambda p: np.eye(3)[np.clip(p[:, 0] * 3, 0, 2).astype(int)], POINTS, [0, 1, 2, 2])
    assert set(np.unique(three.images[0].get_array())) == {0, 1, 2}


@pytest.mark.parametrize(
    ("predict", "inputs", "classes", "message"),
    [
        (lambda p: p[:, 0], np.zeros((4, 3)), [0, 1, 0, 1], r"inputs of shape \(n, 2\), not \(4, 3\)"),
        (lambda p: p[:, 0], POINTS, [0, 1], "4 inputs but 2 labels"),
        (lambda p: p[:3, 0], POINTS, [0, 1, 0, 1], "returned 3 values"),
        (lambda p: p[:, 0], POINTS, [0, 1, 2, 1], "more than two classes"),
    ],
)
def test_decision_says_what_is_wrong(predict, inputs, classes, message):
    with pytest.raises(ValueError, match=message):
        plot.decision(predict, inputs, classes)
    with pytest.raises(TypeError, match="predict must be a function"):
        plot.decision(3, POINTS, [0, 1, 0, 1])


def test_histogram_uses_the_same_bins_and_says_what_is_missing():
    axes = plot.histogram({"a": [0, 1, 1, np.nan], "b": [2, 4]}, bins=4, x="weight")
    assert labels(axes) == ["a (1 not finite)", "b"]
    heights, edges, _ = axes.patches[0].get_data()
    np.testing.assert_array_equal(heights, [1, 2, 0, 0])
    np.testing.assert_array_equal(edges, [0, 1, 2, 3, 4])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("weight", "count")
    assert plot.histogram(np.ones((2, 2)), density=True).get_ylabel() == "density"
    with pytest.raises(ValueError, match="every value of values"):
        plot.histogram([np.inf, np.nan])


def test_bars_single_grouped_and_lying():
    axes = plot.bars(["a", "b"], [1, 2], errors=[0.1, 0.2], y="loss", numbers="{:.1f}")
    assert [bar.get_height() for bar in axes.patches] == [1, 2]
    assert {"1.0", "2.0"} <= {text.get_text() for text in axes.texts}
    grouped = plot.bars(["a", "b"], {"train": [1, 2], "test": [3, 4]})
    assert labels(grouped) == ["train", "test"]
    assert len({bar.get_hatch() for bar in grouped.patches}) == 2
    lying = plot.bars(["a", "b"], [1, 2], horizontal=True, y="loss")
    assert lying.get_xlabel() == "loss"
    assert [bar.get_width() for bar in lying.patches] == [1, 2]
    assert lying.yaxis_inverted()
    with pytest.raises(ValueError, match="2 labels, but values have shape"):
        plot.bars(["a", "b"], [1, 2, 3])
    with pytest.raises(ValueError, match="errors have shape"):
        plot.bars(["a", "b"], {"x": [1, 2], "y": [1, 2]}, errors=[1, 2])


def test_contours_mark_starts_ends_and_where_a_path_leaves():
    inside = path([[0.5, 0.5], [0.2, 0.1]], "stays")
    outside = path([[0.5, 0.0], [1.5, 0.0], [np.inf, 0.0], [np.nan, np.nan]], "leaves")
    axes = plot.contours(Bowl(), [inside, outside], resolution=20, title="two")
    marks = {line.get_marker(): line for line in axes.lines if line.get_linestyle() == "None"}
    np.testing.assert_allclose(np.ravel(marks["s"].get_data()), [0.2, 0.1])
    np.testing.assert_allclose(np.ravel(marks["X"].get_data()), [1.0, 0.0])
    np.testing.assert_allclose(np.ravel(marks["*"].get_data()), [0.0, 0.0])
    assert labels(axes)[:2] == ["stays", "leaves"]
    assert "leaves the domain" in labels(axes)
    assert (axes.get_xlim(), axes.get_ylim()) == Bowl.domain
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("first", "second", "two")
    assert axes.figure.axes[1].get_ylabel() == "loss"


def test_contours_on_given_axes_with_logarithmic_and_own_levels():
    axes = plot.figure(1, 2)
    plot.contours(Bowl(), path([[0.5, 0.5], [1e30, 1e38]]), log=True, resolution=20, axes=axes[0])
    plot.contours(Bowl(), levels=[0.1, 0.5, 1.0], resolution=20, axes=axes[1])
    assert list(axes[1].collections[0].levels) == [0.1, 0.5, 1.0]
    steps = axes[0].collections[0].levels
    np.testing.assert_allclose(steps[1:] / steps[:-1], steps[1] / steps[0])
    axes[0].figure.draw_without_rendering()


def test_contours_and_surface_refuse_what_they_cannot_draw():
    with pytest.raises(TypeError, match=r"each path must be a descent\.Path"):
        plot.contours(Bowl(), [np.zeros(3)])
    with pytest.raises(TypeError, match="three-dimensional axes"):
        plot.surface(Bowl(), axes=plot.figure())
    with pytest.raises(ValueError, match="zscale must be one of"):
        plot.surface(Bowl(), zscale="cubic")
    with pytest.raises(ValueError, match="at least two different losses"):
        plot.contours(Bowl(), levels=[1.0], resolution=5)


def test_surface_in_perspective_carries_paths():
    axes = plot.surface(
        Bowl(), path([[0.5, 0.5], [2.0, 0.5], [0.0, 0.1]]), resolution=10, zscale="log", title="bowl"
    )
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("first", "second", "log₁₀ loss")
    x, _, z = axes.lines[0].get_data_3d()
    assert np.isnan(x[1])
    np.testing.assert_allclose(z[[0, 2]], np.log10([0.5, 0.01]))
    assert axes.get_title() == "bowl"


def test_graph_draws_every_node_and_arrow():
    nodes = {"x": (0, 0), "z": (1, 0), "squared error": (2, 0)}
    edges = [("x", "z", "$w$"), ("z", "squared error"), ("squared error", "z")]
    axes = plot.graph(nodes, edges, title="chain", labels={"x": "$x$"}, colours={"z": "#ffffff"})
    assert {text.get_text() for text in axes.texts} == {"$x$", "z", "squared error", "$w$"}
    assert len(axes.patches) == 3
    assert axes.get_title() == "chain"
    with pytest.raises(ValueError, match="there is no node 'y'"):
        plot.graph(nodes, [("x", "y")])
    with pytest.raises(ValueError, match="at least one node"):
        plot.graph({})
    with pytest.raises(ValueError, match="an edge is"):
        plot.graph(nodes, [("x",)])


def test_network_draws_neurons_connections_and_dots():
    axes = plot.network([2, 3, 1])
    assert [len(line.get_xdata()) for line in axes.lines] == [2, 3, 1]
    assert [len(each.get_segments()) for each in axes.collections] == [6, 3]
    assert [text.get_text() for text in axes.texts] == ["input\n2", "hidden\n3", "output\n1"]
    large = plot.network([2, 100], labels=["in", "out"], most=7)
    assert len(large.lines[1].get_xdata()) == 6  # one place holds the dots
    assert "⋮" in [text.get_text() for text in large.texts]
    weighted = plot.network([1, 2], weights=[[[2.0, -1.0]]]).collections[0]
    assert weighted.get_linewidths()[0] > weighted.get_linewidths()[1]
    assert len({to_hex(colour) for colour in weighted.get_colors()}) == 2


def test_network_says_what_is_wrong():
    with pytest.raises(ValueError, match="two sizes or more"):
        plot.network([3])
    with pytest.raises(ValueError, match="a layer's size must be"):
        plot.network([3, 0])
    with pytest.raises(ValueError, match="2 lines or groups but 1 labels"):
        plot.network([3, 1], labels=["only"])
    with pytest.raises(ValueError, match="weights need the shapes"):
        plot.network([3, 1], weights=[np.ones((1, 3))])


def test_timeline_places_texts_apart():
    events = [
        (1957, "Rosenblatt's perceptron"),
        (1943, "McCulloch and Pitts"),
        (1958, "another of them"),
        (1959, "a third"),
    ]
    axes = plot.timeline(events, title="steps")
    assert axes.texts[0].get_text().startswith("1943\n")
    assert (axes.get_xlabel(), axes.get_title()) == ("year", "steps")
    axes.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    with pytest.raises(ValueError, match=r"is \(year, text\)"):
        plot.timeline(["1943"])
    with pytest.raises(ValueError, match="at least one event"):
        plot.timeline([])


@pytest.fixture(scope="module")
def animation():
    with mpl.rc_context():
        plot.style()

        def draw(frame, axes):
            plot.curves(X, X * frame, axes=axes, title=f"slope {frame}", x="x", y="y")
            axes.set_ylim(0, 20)

        return plot.animate(
            draw, range(1, 5), interval=50, title="steeper", names=["one", "two", "three", "<four>"]
        )


def test_an_animation_is_self_contained_and_small(animation):
    data, metadata = animation._repr_mimebundle_()
    page = data["text/html"]
    assert page.count("<img ") == 4
    assert "http" not in page
    assert len(page) < 1_000_000
    assert "&lt;four&gt;" in page
    assert "<four>" not in page
    for part in (
        'role="group"',
        'aria-label="play the animation"',
        'aria-label="frame"',
        'type="range"',
        "}, 50);",
    ):
        assert part in page
    assert "@" not in page.replace("@media", "")
    picture = base64.b64decode(data["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"].startswith("Animation.")
    assert repr(animation) == "Animation of 4 frames: steeper" == data["text/plain"]


def test_an_animation_carries_the_content_of_three_frames(animation):
    content = animation._repr_mimebundle_()[0][figure_content.MIME_TYPE]
    assert [frame["axes"][0]["title"] for frame in content["frames"]] == ["slope 1", "slope 2", "slope 4"]
    assert animation.figure.axes[0].get_title() == "slope 4"


def test_an_animation_shows_nothing_beside_itself_and_repeats_exactly(animation):
    import matplotlib.pyplot as plt

    def draw(frame, axes):
        plot.heatmap(np.eye(3) * frame, axes=axes, limits=(0, 3), colour_label="c")

    before = plt.get_fignums()
    first, second = plot.animate(draw, [1, 2, 3]), plot.animate(draw, [1, 2, 3])
    assert plt.get_fignums() == before
    assert first.html() == second.html()
    assert first.html() != animation.html()
    assert len(first.figure.axes) == 2  # one colour bar, not three


def test_frames_differ_and_keep_their_layout(animation):
    from PIL import Image

    frames = [
        np.asarray(Image.open(io.BytesIO(frame)).convert("RGB")).astype(int) for frame in animation.frames
    ]
    assert len({frame.shape for frame in frames}) == 1
    assert np.abs(frames[0] - frames[3]).max() > 100
    edge = np.abs(frames[0][:, :40] - frames[3][:, :40])  # the vertical axis' label and ticks stay in place
    assert (edge > 60).mean() < 0.001


def test_animate_says_what_is_wrong():
    with pytest.raises(TypeError, match=r"draw\(frame, axes\)"):
        plot.animate(3, [1])
    with pytest.raises(ValueError, match="at least one frame"):
        plot.animate(lambda frame, axes: None, [])
    with pytest.raises(ValueError, match="interval"):
        plot.animate(lambda frame, axes: None, [1], interval=0)
    with pytest.raises(ValueError, match="1 frames but 2 names"):
        plot.animate(lambda frame, axes: None, [1], names=["a", "b"])


def test_plain_counts_what_is_drawn():
    assert theme.plain(r"$\sigma_i$ of x") == "mi of x"


def test_neuron_names_the_counterparts_in_the_same_order():
    cell, unit = plot.neuron(title="Same roles")
    words = [{text.get_text() for text in axes.texts} for axes in (cell, unit)]
    assert {"synapses", "dendrites", "axon"} <= words[0]
    assert {"weights", "inputs", "output"} <= words[1]
    colours = [{text.get_text(): text.get_color() for text in axes.texts} for axes in (cell, unit)]
    for biological, artificial in (("synapses", "weights"), ("dendrites", "inputs"), ("axon", "output")):
        assert colours[0][biological] == colours[1][artificial]


def test_neuron_needs_two_axes():
    with pytest.raises(ValueError, match="two"):
        plot.neuron(axes=[plot.figure()])


def test_contours_without_a_colour_bar():
    field = surfaces.quadratic((1.0, 3.0))
    assert len(plot.contours(field).figure.axes) == 2
    assert len(plot.contours(field, colour_label=None, log=True).figure.axes) == 1
