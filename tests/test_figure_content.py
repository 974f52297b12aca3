"""The content of figures: registered in IPython, beside every picture, and spoken as alternative text."""

import json
import subprocess
import sys

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from traitlets.config import Config

from course_utils import figure_content
from course_utils.figure_content import MIME_TYPE, alt_text, animation_content, describe, register


@pytest.fixture
def formatter():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    register(shell)
    png = shell.display_formatter.formatters["image/png"]
    png.enabled = True
    png.for_type(Figure, lambda figure: b"picture")
    return shell.display_formatter


def draw(**titles):
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3], label="sine")
    axes.plot([3, 2, 1], label="cosine")
    axes.legend()
    axes.set(**{"title": "Two waves", "xlabel": "time $t$", "ylabel": "height"} | titles)
    return figure


def test_a_figure_carries_its_content(formatter):
    figure = draw()
    data, metadata = formatter.format(figure)
    assert data[MIME_TYPE] == figure_content.figure_content(figure)
    assert data[MIME_TYPE]["schema"] == figure_content.SCHEMA
    assert data["image/png"] == b"picture"
    assert metadata["image/png"]["alt"] == alt_text(data[MIME_TYPE])
    json.dumps(data[MIME_TYPE])


def test_other_objects_carry_none(formatter):
    data, metadata = formatter.format([1, 2])
    assert set(data) == {"text/plain"}
    assert not metadata


def test_a_bundle_of_its_own_is_left_alone(formatter):
    class Animation:
        def _repr_mimebundle_(self, include=None, exclude=None):
            return {MIME_TYPE: {"frames": []}, "text/html": "…"}

    data, _ = formatter.format(Animation())
    assert data[MIME_TYPE] == {"frames": []}


def test_registering_twice_changes_nothing(formatter):
    before = dict(formatter.formatters)
    register(formatter.parent)
    assert formatter.formatters == before


def test_metadata_of_the_picture_is_kept(formatter):
    formatter.formatters["image/png"].for_type(Figure, lambda figure: (b"picture", {"width": 3}))
    _, metadata = formatter.format(draw())
    assert metadata["image/png"]["width"] == 3
    assert "alt" in metadata["image/png"]


def test_a_figure_changed_between_two_displays(formatter):
    figure = draw()
    formatter.format(figure)
    figure.axes[0].set_title("Changed")
    data, _ = formatter.format(figure)
    assert data[MIME_TYPE]["axes"][0]["title"] == "Changed"


def test_it_lasts_when_pyplot_is_imported_later():
    program = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
from course_utils import figure_content
figure_content.register(shell)
import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import configure_inline_support
configure_inline_support(shell, "inline")
figure, axes = plt.subplots()
axes.plot([1, 2])
shell.display_formatter.formatters["image/png"].enabled = True
data, metadata = shell.display_formatter.format(figure)
print(sorted(data), "alt" in metadata["image/png"])
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == f"['{MIME_TYPE}', 'image/png', 'text/plain'] True"


def test_alt_text_says_what_is_there():
    text = alt_text(figure_content.figure_content(draw()))
    assert text == "Two waves: 2 lines of height against time t (sine, cosine)."


def test_alt_text_of_panels():
    figure = Figure()
    for axes in figure.subplots(2, 3).flat:
        axes.imshow(np.eye(3))
    figure.suptitle("Six digits")
    text = alt_text(figure_content.figure_content(figure))
    assert text == "Six digits. 6 panels. One image. Further panels: of the same kind."


def test_alt_text_of_an_animation():
    content = figure_content.figure_content(draw())
    text = alt_text(animation_content([content, content]), "40 frames")
    assert text.startswith("Animation. Last frame: Two waves")
    assert text.endswith("40 frames.")


def test_a_description_is_added(formatter):
    figure = draw()
    describe(figure, "They cross once")
    _, metadata = formatter.format(figure)
    assert metadata["image/png"]["alt"].endswith("They cross once.")


def test_an_animation_takes_figures_and_contents():
    figure = draw()
    content = animation_content([figure, figure_content.figure_content(figure)])
    assert content["frames"][0] == content["frames"][1]


def test_an_empty_figure():
    content = figure_content.figure_content(Figure())
    assert content["axes"] == []
    assert alt_text(content) == ""


def test_the_content_is_small():
    figure = Figure()
    for axes in figure.subplots(4, 8).flat:
        axes.imshow(np.random.default_rng(0).uniform(size=(28, 28)))
    assert len(json.dumps(figure_content.figure_content(figure))) < 40_000


def test_importing_it_imports_no_matplotlib():
    program = "import sys; import course_utils.figure_content; print('matplotlib' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.parametrize(("cmap", "stored"), [("gray", "grey"), ("grey", "grey"), ("viridis", "viridis")])
def test_maps_have_one_name_in_every_matplotlib(cmap, stored):
    axes = Figure().subplots()
    axes.imshow(np.eye(3), cmap=cmap)
    (image,) = figure_content.figure_content(axes.figure)["axes"][0]["artists"]
    assert image["map"] == stored


def test_alt_text_lists_every_kind_of_thing():
    figure = Figure()
    axes = figure.subplots()
    axes.imshow(np.eye(3))
    axes.plot([0, 1, 2])
    axes.scatter([0, 1], [1, 0])
    axes.text(1, 1, "middle")
    (shown,) = figure_content.figure_content(figure)["axes"]
    kinds = list(dict.fromkeys(artist["kind"] for artist in shown["artists"]))
    text = alt_text(figure_content.figure_content(figure)).lower()
    assert len(kinds) >= 3
    assert [kind for kind in kinds if kind != "text" and kind not in text] == []


def test_contour_lines_without_their_field_are_measured():
    figure = Figure()
    axes = figure.subplots()
    x = np.linspace(-2, 2, 201)
    lines = axes.contour(x, x, np.hypot(*np.meshgrid(x, x - 0.5)), levels=[1.0])
    lines._contour_generator = None  # as for lines that were not drawn from a grid
    axes.set(xlim=(-2, 2), ylim=(-2, 2))
    [drawn] = figure_content.figure_content(figure)["axes"][0]["artists"]
    length = float(drawn["length"]["values"])  # in widths of the axes, which is 4
    assert length == pytest.approx(2 * np.pi / 4, rel=1e-3)
    rows = np.array([row.split() for row in drawn["where"]["shares"]], float).sum(axis=1)  # in percent
    assert rows.sum() == pytest.approx(100, abs=1)
    assert rows[[0, -1]].max() < 5
    centre = np.dot(rows, np.arange(8)) / rows.sum()
    assert centre == pytest.approx(3.5 + 0.5 / 4 * 7, abs=0.1)
