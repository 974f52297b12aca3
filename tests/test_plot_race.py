"""Races and sliders: who is where in which frame, and what is drawn where nothing can be turned."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from course_utils import plot
from course_utils.descent import Path
from course_utils.plot import animation, sliders
from course_utils.plot.racing import frame_steps


class Bowl:
    """A surface without TensorFlow: x² + y² on a square; it counts how often it is computed."""

    domain = ((-1.0, 1.0), (-1.0, 1.0))
    axis_names = ("first", "second")
    minima = ((0.0, 0.0),)
    computed = 0

    def grid(self, resolution):
        """Return x, y and the losses."""
        self.computed += 1
        x = y = np.linspace(-1, 1, resolution)
        return x, y, x[np.newaxis] ** 2 + y[:, np.newaxis] ** 2


@pytest.fixture(autouse=True)
def _course_style():
    import matplotlib.pyplot as plt

    with mpl.rc_context():
        plot.style()
        yield
    plt.close("all")


def path(points, label):
    points = np.array(points, dtype=float)
    return Path(points, (points**2).sum(axis=1), label)


def spiral(label, steps, turn):
    angle, radius = turn * np.arange(steps + 1), 0.9 * 0.985 ** np.arange(steps + 1)
    return path(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label)


def walk(steps, label, factor):
    return path([[0.8 * factor**k, 0.4 * factor**k] for k in range(steps + 1)], label)


@pytest.fixture(scope="module")
def bowl():
    return Bowl()


@pytest.fixture(scope="module")
def race(bowl):
    with mpl.rc_context():
        plot.style()
        walkers = [walk(20, "slow", 0.95), walk(20, "jumping", -0.9), walk(6, "short", 0.5)]
        walkers.append(walk(20, "escaping", 1.1))
        return plot.race(bowl, walkers, frames=11, title="Who is first?")


def at(race, frame):
    """Return x and y of every line in a frame, by colour and marker style; trails have labels."""
    return [artist for artist in race.contents[frame]["axes"][0]["artists"] if artist["kind"] == "line"]


def test_frames_are_equally_many_steps_apart():
    assert frame_steps(20, 11) == list(range(0, 21, 2))
    assert frame_steps(100, 40)[:3] == [0, 3, 6]
    assert frame_steps(100, 40)[-2:] == [99, 100]
    assert frame_steps(5, 40) == [0, 1, 2, 3, 4, 5]
    assert frame_steps(7, 2) == [0, 7]
    for longest in (1, 38, 39, 40, 41, 1000):
        steps = frame_steps(longest, 40)
        assert len(steps) <= 40
        assert len(set(np.diff(steps[:-1]))) <= 1
        assert steps[-1] == longest
    with pytest.raises(ValueError, match="none of the paths has a step"):
        frame_steps(0, 40)


def test_all_paths_are_where_they_are_after_equally_many_steps(race):
    trails = {
        line.get_label(): line for line in race.figure.axes[0].lines if line.get_label() in "slow jumping"
    }
    np.testing.assert_allclose(trails["slow"].get_xdata(), 0.8 * 0.95 ** np.arange(21))
    np.testing.assert_allclose(trails["jumping"].get_ydata(), 0.4 * (-0.9) ** np.arange(21))
    assert race.names == [f"step {2 * k}" for k in range(11)]
    assert trails["slow"].get_markevery() == 8  # small markers every fourth frame, two steps each
    first, middle, last = ([line for line in at(race, k) if line.get("label") == "slow"] for k in range(3))
    assert [frame[0]["points"] for frame in (first, middle, last)] == [1, 11, 21]


def test_a_short_path_waits_at_its_end_and_heads_are_marked(race):
    lines = race.figure.axes[0].lines
    short = next(line for line in lines if line.get_label() == "short")
    assert len(short.get_xdata()) == 7
    heads = [line for line in lines if line.get_markersize() == 10 and line.get_color() == short.get_color()]
    np.testing.assert_allclose([heads[0].get_xdata()[-1], heads[0].get_ydata()[-1]], [0.8 / 64, 0.4 / 64])


def test_a_path_that_leaves_becomes_a_cross_on_the_border_when_it_does(race, bowl):
    """1.1² · 0.8 = 0.968 is inside, 1.1³ · 0.8 is not: the cross comes after step 2."""
    lines = race.figure.axes[0].lines
    colour = next(line for line in lines if line.get_label() == "escaping").get_color()
    cross = next(line for line in lines if line.get_marker() == "X" and line.get_color() == colour)
    np.testing.assert_allclose(np.ravel(cross.get_data()), [1.0, 0.5])
    head = next(line for line in lines if line.get_markersize() == 10 and line.get_color() == colour)
    assert len(head.get_xdata()) == 0
    others = [line for line in lines if line.get_marker() == "X" and line.get_color() != colour]
    assert all(len(line.get_xdata()) == 0 for line in others)
    for steps, crosses in ((4, [0, 0, 1]), (6, [0, 1, 1])):  # the middle frames show steps 2 and 3
        again = plot.race(bowl, walk(steps, "out", 1.1), frames=10)
        shown = [[line for line in at(again, k) if line.get("marker") == "X"] for k in range(3)]
        assert [sum(line["points"] for line in lines) for lines in shown] == crosses


def test_one_legend_names_paths_and_marks_and_each_looks_different(race):
    (legend,) = race.figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["slow", "jumping", "short", "escaping", "start", "leaves the domain", "minimum"]
    assert race.figure.axes[0].get_legend() is None
    looks = [(handle.get_color(), handle.get_marker()) for handle in legend.legend_handles[:4]]
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 4
    assert "leaves the domain" not in [
        text.get_text() for text in plot.race(Bowl(), walk(3, "in", 0.5)).figure.legends[0].get_texts()
    ]


def test_the_surface_is_computed_once_and_the_title_counts_steps():
    surface = Bowl()
    made = plot.race(surface, walk(8, "one", 0.5), frames=5, title="Down", resolution=30)
    assert surface.computed == 1
    assert made.contents[0]["axes"][0]["title"] == "Down\nstep 0"
    assert made.contents[-1]["axes"][0]["title"] == "Down\nstep 8"
    assert [len(made), made.title, made.interval] == [5, "Down", 150]


def test_eight_paths_in_forty_frames_stay_small():
    walkers = [spiral(f"method {k}", steps=200, turn=0.02 + 0.03 * k) for k in range(8)]
    made = plot.race(Bowl(), walkers, title="Eight at once")
    assert len(made) == 35  # 0, 6, …, 198, 200
    assert len(made.html().encode()) < animation.LARGEST
    looks = {
        (line.get_color(), line.get_marker())
        for line in made.figure.axes[0].lines
        if line.get_linestyle() == "-"
    }
    assert len(looks) == 8


@pytest.mark.parametrize(
    ("walkers", "options", "error", "message"),
    [
        ([], {}, ValueError, "1 to 8 paths"),
        ([walk(2, str(k), 0.5) for k in range(9)], {}, ValueError, "not 9"),
        ([walk(2, "a", 0.5)], {"frames": 1}, ValueError, "at least 2 frames"),
        ([walk(2, "a", 0.5)], {"frames": 2.5}, ValueError, "whole number"),
        ([walk(0, "a", 0.5)], {}, ValueError, "none of the paths has a step"),
        ([np.zeros((3, 2))], {}, TypeError, "must be a descent.Path"),
    ],
)
def test_a_race_that_makes_no_sense_is_refused(walkers, options, error, message):
    with pytest.raises(error, match=message):
        plot.race(Bowl(), walkers, **options)


def draw(value, axes):
    axes.plot([0, 1], [0, value])


def test_a_slider_is_three_pictures_where_nothing_can_be_turned():
    panels = plot.slider(draw, [1.0, 2.0, 3.0, 4.0, 5.5], "β", title="Turn me")
    assert [panel.get_title() for panel in panels] == ["β = 1", "β = 3", "β = 5.5"]
    assert [panel.lines[0].get_ydata()[1] for panel in panels] == [1, 3, 5.5]
    assert panels[0].figure.get_suptitle() == "Turn me"
    assert len(plot.slider(draw, range(2))) == 2
    assert len(plot.slider(draw, [7])) == 1


def test_a_slider_keeps_the_titles_that_are_drawn():
    panels = plot.slider(lambda value, axes: axes.set_title(f"own {value}"), "abc")
    assert [panel.get_title() for panel in panels] == ["own a", "own b", "own c"]


def test_a_slider_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="at least one value"):
        plot.slider(draw, [])
    with pytest.raises(TypeError, match="draw must be a function"):
        plot.slider(3, [1])


def test_widgets_are_shown_only_to_somebody_before_a_notebook(monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", type("Shell", (), {"kernel": None}))
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    assert not sliders._live()
    monkeypatch.delenv("COURSE_PROGRESS")
    assert sliders._live()
    monkeypatch.setattr(IPython, "get_ipython", object)
    assert not sliders._live()
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    assert not sliders._live()


def test_a_live_slider_draws_the_value_that_is_chosen(monkeypatch):
    drawn = []
    monkeypatch.setattr(sliders, "_live", lambda: True)
    shown = []
    real = sliders._show_slider
    monkeypatch.setattr(sliders, "_show_slider", lambda *arguments: shown.append(real(*arguments)))
    answer = plot.slider(lambda value, axes: drawn.append(value), [0.1, 0.2, 0.9], "rate")
    assert answer is None
    assert drawn == [0.2]
    chooser = shown[0].widget.children[0]
    assert chooser.description == "rate"
    assert [label for label, _ in chooser.options] == ["0.1", "0.2", "0.9"]
    chooser.index = 2
    assert drawn == [0.2, 0.9]


def test_the_surface_fills_the_picture(race):
    box = race.figure.axes[0].get_position()
    assert box.height > 0.5
    assert box.width > 0.4


def test_lines_keep_their_colours_on_a_coloured_ground():
    from PIL import Image

    ground = np.zeros((200, 200, 3), np.uint8) + np.linspace(100, 250, 200).astype(np.uint8)[:, np.newaxis]
    ground[..., 2] = 255
    ground[100, :40] = (0xD5, 0x5E, 0x00)
    ground[:3] = 255
    few = animation.in_few_colours(Image.fromarray(ground), 64).convert("RGB")
    assert few.getpixel((20, 100)) == (0xD5, 0x5E, 0x00)
    assert few.getpixel((50, 1)) == (255, 255, 255)
    assert np.abs(np.asarray(few).astype(int) - ground)[:90].max() < 12
    assert 30 < len(few.getcolors()) <= 64
    assert len(animation.in_few_colours(Image.fromarray(ground), 12).convert("RGB").getcolors()) <= 12
