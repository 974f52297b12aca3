"""Figures compared by content: what a reader would notice is noticed, what nobody can see is not."""

import json

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from course_utils.figure_content import animation_content, figure_content
from tests.regression.figures import compare_figures
from tests.regression.findings import Findings
from tests.regression.tags import Tolerance

X = np.linspace(0, 6, 200)
GRID = np.outer(np.sin(X[:50]), X[:50])
CLOUD = np.random.default_rng(0).normal(size=(300, 2))


def content(draw, projection=None):
    figure = Figure()
    draw(figure.add_subplot(projection=projection))
    # As in a notebook: the content goes through JSON.
    return json.loads(json.dumps(figure_content(figure)))


def compare(old, new, rtol=0.0):
    findings = Findings()
    compare_figures(old, new, findings, tolerance=Tolerance(rtol=rtol))
    return findings


def agree(first, second, projection=None, rtol=0.0):
    return not compare(content(first, projection), content(second, projection), rtol).differences


def curve(y=None, x=X, title="Waves 0.25", **look):
    def draw(axes):
        axes.plot(x, np.sin(x) if y is None else y, **({"label": "sine"} | look))
        axes.set(xlabel="time", ylabel="height", title=title)
        axes.legend()

    return draw


@pytest.mark.parametrize(
    "other",
    [
        curve(),
        curve(np.sin(X) + 0.01 * np.sin(50 * X)),
        curve(title="Waves 0.26"),
    ],
)
def test_same_curve(other):
    assert agree(curve(), other)


@pytest.mark.parametrize(
    "other",
    [
        curve(np.sin(X)[::-1]),
        curve(-np.sin(X)),
        curve(1.1 * np.sin(X)),
        curve(np.where(X > 3, np.nan, np.sin(X))),
        curve(np.where((X > 1.45) & (X < 1.5), 3, np.sin(X))),
        curve(x=X[:150]),
        curve(title="Circles 0.25"),
        curve(title="Waves 0.35"),
        curve(label="cosine"),
        curve(color="C1"),
        curve(linestyle="--"),
        curve(marker="o"),
        curve(linewidth=3),
        curve(drawstyle="steps"),
        lambda axes: (curve()(axes), axes.plot(X, X)),
        lambda axes: (curve()(axes), axes.lines[0].remove()),
        lambda axes: (curve()(axes), axes.get_legend().remove()),
        lambda axes: (curve()(axes), axes.set_xlabel("space")),
        lambda axes: (curve()(axes), axes.set_xlim(0, 12)),
        lambda axes: (curve()(axes), axes.set_yscale("symlog")),
        lambda axes: (curve()(axes), axes.text(1, 0, "here")),
        lambda axes: (curve()(axes), axes.invert_yaxis()),
    ],
    ids=range(22),
)
def test_another_curve(other):
    findings = compare(content(curve()), content(other))
    assert findings.differences
    assert {difference.kind for difference in findings.differences} == {"figure"}


def test_a_curve_between_the_indices_shows_in_its_range():
    peak = np.sin(X)
    peak[13] = 1.5
    assert not agree(lambda axes: axes.plot(X, np.sin(X)), lambda axes: axes.plot(X, peak))


def test_swapped_labels_and_colours():
    def two(labels, colours):
        def draw(axes):
            for y, label, shade in zip((np.sin(X), np.cos(X)), labels, colours, strict=True):
                axes.plot(X, y, label=label, color=shade)
            axes.legend()

        return draw

    assert agree(two("ab", ["C0", "C1"]), two("ab", ["C0", "C1"]))
    assert not agree(two("ab", ["C0", "C1"]), two("ba", ["C0", "C1"]))
    assert not agree(two("ab", ["C0", "C1"]), two("ab", ["C1", "C0"]))


@pytest.mark.parametrize("labels", [["late", "early"], ["early", "never"], ["early", ""]])
def test_labels_of_ticks(labels):
    def ticks(names):
        return lambda axes: (curve()(axes), axes.set_xticks([1, 5], names))

    assert agree(ticks(["early", "late"]), ticks(["early", "late"]))
    assert not agree(ticks(["early", "late"]), ticks(labels))


def test_figures_stored_without_labels_of_ticks():
    assert agree(curve(), lambda axes: (curve()(axes), axes.set_xticks([1, 5], ["1", "5"])))


def test_a_legend_that_names_the_wrong_artist():
    def draw(swapped):
        def lines(axes):
            first, second = axes.plot(X, np.sin(X), "C0")[0], axes.plot(X, X, "C1")[0]
            axes.legend([second, first] if swapped else [first, second], ["sine", "straight"])

        return lines

    assert not agree(draw(False), draw(True))


def test_an_almost_flat_line_need_not_agree_better_than_a_pixel():
    def flat(height):
        return lambda axes: (axes.plot(X, 0.5 + height * np.sin(X)), axes.set_ylim(0, 1))

    assert agree(flat(1e-4), flat(-1e-4))
    assert not agree(flat(1e-2), flat(-1e-2))


def test_a_log_axis_is_compared_in_decades():
    def falling(factor, scale="log"):
        return lambda axes: (
            axes.plot(X, factor * 10 ** (-X)),
            axes.set_yscale(scale),
            axes.set_ylim(1e-7, 10),
        )

    assert agree(falling(1), falling(1.2))
    assert not agree(falling(1), falling(2))
    assert not agree(falling(1), falling(1, "linear"))

    def last(value):
        return lambda axes: (axes.semilogy([1, 2], [1, value]), axes.set_ylim(1e-7, 10))

    assert not agree(last(1e-6), last(1e-4))
    assert not agree(last(1e-6), last(0))


def test_tags_widen():
    assert not agree(curve(), curve(1.05 * np.sin(X)))
    assert agree(curve(), curve(1.05 * np.sin(X)), rtol=0.06)


def test_shares_of_the_tolerance():
    findings = compare(content(curve()), content(curve(1.01 * np.sin(X))))
    assert not findings.differences
    assert 0.1 < findings.share < 1
    assert findings.figures == 1


@pytest.mark.parametrize(
    "show",
    [
        lambda values: lambda axes: axes.imshow(values, vmin=-6, vmax=6),
        lambda values: lambda axes: axes.pcolormesh(X[:50], X[:50], values, vmin=-6, vmax=6),
        lambda values: lambda axes: axes.contourf(X[:50], X[:50], values, levels=8),
        lambda values: lambda axes: axes.contour(X[:50], X[:50], values, levels=8),
    ],
    ids=["image", "mesh", "filled contours", "contours"],
)
def test_fields(show):
    assert agree(show(GRID), show(GRID + 1e-4 * np.cos(7 * GRID)))
    for changed in (GRID[::-1], GRID[:, ::-1], GRID.T, -GRID, 1.2 * GRID):
        assert not agree(show(GRID), show(changed))


def test_a_field_with_holes():
    holes = np.where(GRID > 1, np.nan, GRID)
    assert agree(lambda axes: axes.imshow(holes), lambda axes: axes.imshow(holes))
    assert not agree(
        lambda axes: axes.imshow(GRID, vmin=0, vmax=1), lambda axes: axes.imshow(holes, vmin=0, vmax=1)
    )


def test_colour_maps_and_colour_bars():
    def field(cmap="viridis", bar=True, **limits):
        def draw(axes):
            image = axes.imshow(GRID, cmap=cmap, **limits)
            if bar:
                axes.figure.colorbar(image, label="loss")

        return draw

    assert agree(field(), field())
    assert not agree(field(), field("magma"))
    assert not agree(field(), field(bar=False))
    assert not agree(field(), field(vmax=3))


def test_colour_photographs():
    photo = np.random.default_rng(0).integers(0, 255, size=(40, 40, 3), dtype=np.uint8)
    assert agree(lambda axes: axes.imshow(photo), lambda axes: axes.imshow(photo))
    assert not agree(lambda axes: axes.imshow(photo), lambda axes: axes.imshow(photo[..., ::-1]))


def test_scatters():
    def points(at, **look):
        return lambda axes: (axes.scatter(*at.T, **look), axes.set(xlim=(-4, 4), ylim=(-4, 4)))

    labels = (CLOUD[:, 0] > 0).astype(int)
    assert agree(points(CLOUD), points(CLOUD + 1e-3))
    assert agree(points(CLOUD), points(CLOUD[::-1]))
    assert not agree(points(CLOUD), points(CLOUD[:-1]))
    skewed = CLOUD**2
    assert not agree(points(skewed), points(-skewed))
    assert not agree(points(skewed * [1, -1]), points(skewed))
    assert agree(points(CLOUD, c=labels), points(CLOUD, c=labels))
    assert not agree(points(CLOUD, c=labels), points(CLOUD, c=1 - labels))
    assert not agree(points(CLOUD, c=CLOUD[:, 0]), points(CLOUD, c=CLOUD[:, 1]))
    assert not agree(points(CLOUD, c="red"), points(CLOUD, c="blue"))
    assert not agree(points(CLOUD, marker="o"), points(CLOUD, marker="x", color="C0"))


def test_a_point_on_an_edge_does_not_jump():
    lattice = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
    noise = 1e-6 * np.random.default_rng(0).normal(size=lattice.shape)

    def points(at):
        return lambda axes: (axes.scatter(*at.T), axes.set(xlim=(0, 7), ylim=(0, 7)))

    assert compare(content(points(lattice)), content(points(lattice + noise))).share < 0.05


def test_bars_and_histograms():
    def bars(heights, **look):
        return lambda axes: axes.bar(list("abc"), heights, **look)

    assert agree(bars([1, 2, 3]), bars([1, 2, 3.01]))
    assert not agree(bars([1, 2, 3]), bars([1, 3, 2]))
    assert not agree(bars([1, 2, 3]), bars([1, 2, 3], color="C1"))
    assert not agree(bars([1, 2, 3]), lambda axes: axes.bar(list("abd"), [1, 2, 3]))
    assert not agree(
        lambda axes: axes.hist(CLOUD[:, 0], bins=30), lambda axes: axes.hist(CLOUD[:, 0] ** 2, bins=30)
    )
    assert not agree(lambda axes: axes.stairs([1, 2, 3]), lambda axes: axes.stairs([3, 2, 1]))


def test_bands_segments_and_arrows():
    def band(width):
        return lambda axes: axes.fill_between(X, np.sin(X) - width, np.sin(X) + width)

    assert agree(band(0.2), band(0.201))
    assert not agree(band(0.2), band(0.3))
    assert not agree(lambda axes: axes.vlines([1, 2], 0, 1), lambda axes: axes.vlines([1, 3], 0, 1))
    assert not agree(
        lambda axes: axes.quiver([0, 1], [0, 1], [1, 1], [0, 1]),
        lambda axes: axes.quiver([0, 1], [0, 1], [0, 1], [1, 1]),
    )
    assert not agree(lambda axes: axes.annotate("a", (0, 0)), lambda axes: axes.annotate("a", (1, 1)))
    assert not agree(
        lambda axes: axes.errorbar([1, 2], [1, 2], [0.1, 0.2]),
        lambda axes: axes.errorbar([1, 2], [1, 2], [0.3, 0.4]),
    )


def test_three_dimensions():
    mesh = np.meshgrid(X[::20], X[::20])

    def surface(z):
        return lambda axes: axes.plot_surface(*mesh, z, cmap="viridis")

    height = np.sin(mesh[0]) * mesh[1]
    assert agree(surface(height), surface(height + 1e-3), "3d")
    assert not agree(surface(height), surface(-height), "3d")
    assert not agree(surface(height), surface(height[::-1]), "3d")
    assert not agree(lambda a: a.plot(X, X, X), lambda a: a.plot(X, X, X[::-1]), "3d")
    assert not agree(lambda a: a.scatter(X, X, X), lambda a: a.scatter(X, X, X[::-1]), "3d")
    assert not agree(
        lambda a: a.plot_wireframe(*mesh, height), lambda a: a.plot_wireframe(*mesh, -height), "3d"
    )
    assert not agree(lambda a: a.plot(X, X, X), lambda a: (a.plot(X, X, X), a.view_init(60, 0)), "3d")


def test_the_number_of_axes():
    one, two = Figure(), Figure()
    one.subplots()
    two.subplots(1, 2)
    assert compare(figure_content(one), figure_content(two)).differences


def test_style_does_not_count():
    with mpl.rc_context({"font.size": 20}):
        large = content(curve())
    assert large["style"] != content(curve())["style"]
    assert not compare(content(curve()), large).differences


def test_animations_are_compared_by_their_frames():
    frames = [content(curve(height * np.sin(X))) for height in (1, 2, 3)]
    assert not compare(animation_content(frames), animation_content(frames)).differences
    assert compare(animation_content(frames), animation_content(frames[::-1])).differences
    assert compare(animation_content(frames), animation_content(frames[:2])).differences


def test_other_schemas_are_refused():
    old = content(curve())
    assert compare(old | {"schema": 99}, old).differences
    assert compare(old, {}).differences


def test_content_edited_by_hand_is_no_crash():
    old = content(curve())
    broken = json.loads(json.dumps(old))
    broken["axes"][0]["artists"][0]["y"]["values"] = "one two"
    assert compare(broken, old).differences
    broken["axes"][0]["artists"][0]["y"] = None
    assert compare(broken, old).differences


def test_infinite_and_missing_values():
    def line(values):
        return lambda axes: axes.plot(values)

    assert agree(line([1, np.nan, 3]), line([1, np.nan, 3]))
    assert not agree(line([1, np.nan, 3]), line([1, 2, 3]))
    assert not agree(line([1, np.inf, 3]), line([1, -np.inf, 3]))
    assert agree(line([np.nan] * 3), line([np.nan] * 3))
    assert agree(line([]), line([]))


def test_the_place_of_a_text_moves_on_the_axis():
    def number(place):
        def draw(axes):
            axes.set(xlim=(0, 100), ylim=(0, 1))
            axes.text(place, 0.5, "7")

        return draw

    assert agree(number(50), number(50.1))
    assert not agree(number(50), number(50.9))
    assert agree(number(50), number(50.9), rtol=0.1)
    assert not agree(number(50), number(51.1), rtol=0.1)
