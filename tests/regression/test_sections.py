"""Sections that compute show something; what a summary quotes was shown."""

import pytest

from tests.regression.notebooks import code, display, notebook, stream
from tests.regression.prose import check_summary
from tests.regression.sections import check_sections, is_computing, sections

LOSS = code("fit()", outputs=(stream("loss 0.1234, accuracy 0.972, 12.5 %, 3 epochs"),))


def test_sections_run_from_heading_to_heading():
    made = notebook("# Title", "import keras", "## 1 One", "x = 1", "## 2 Two", "### Detail", "y = 2")
    assert [section.title for section in sections(made)] == ["", "1 One", "2 Two"]
    assert [len(section.cells) for section in sections(made)] == [2, 2, 3]


@pytest.mark.parametrize(
    "source",
    ["import numpy as np", "def f(x):\n    return x", "class A:\n    ...", '"""Words."""', "# nothing"],
)
def test_preparing_is_not_computing(source):
    assert not is_computing(code(source))
    assert not is_computing(code("run()", "setup"))


@pytest.mark.parametrize(
    "source", ["x = 1", "f(3)", "import numpy\nnumpy.zeros(3)", "for x in y:\n    x", "(("]
)
def test_computing(source):
    assert is_computing(code(source))


@pytest.mark.parametrize(
    "output",
    [
        stream("3 epochs"),
        display(text_plain="0.5"),
        display(text_html="<b>7</b>"),
        display(image_png="aa", text_plain="<Figure>"),
    ],
)
def test_a_section_with_something_to_compare(output):
    assert not check_sections(notebook("## 1 One", "import keras", code("fit()", outputs=(output,))))


def test_a_section_with_nothing_to_compare():
    (sentence,) = check_sections(notebook("## 1 One", code("fit()", outputs=(stream("done"),))))
    assert "'1 One'" in sentence


def test_sections_that_need_show_nothing():
    made = notebook(LOSS, "## 1 Ideas", "def f(): ...", "## Exercises", "answer_1 = None", "## Sources")
    assert not check_sections(made)


def test_a_notebook_without_outputs_is_said_once():
    assert check_sections(notebook("## 1 One", "fit()", "## 2 Two", "fit()")) == [
        "no outputs are stored: run `make update`"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The loss falls to 0.123.",
        "The loss falls to 0.12, by −0.1.",
        "$0.1234$",
        "accuracy 97.2 %",
        "accuracy $97\\,\\%$",
        "accuracy 97 %",
        "12.5 %",
        "12 to 13 %",
        "in 4 epochs of 50",
        "see [here](https://doi.org/10.1000/0.77) and `x = 0.77`",
        "conv2d_1.5",
    ],
)
def test_quotes_that_were_shown(text):
    assert not check_summary(notebook("## 1 One", LOSS, f"## Summary\n\n- {text}"))


@pytest.mark.parametrize("text", ["0.124", "0.13", "97.3 %", "0.2", "99 %", "1.234"])
def test_quotes_that_were_not(text):
    (sentence,) = check_summary(notebook("## 1 One", LOSS, f"## Summary\n\n- {text}"))
    assert text in sentence


def test_only_what_stands_above_counts():
    made = notebook("## 1 One", "## Summary\n\n0.12", LOSS)
    assert check_summary(made)


def test_only_the_summary_is_looked_at():
    made = notebook(
        "## 1 One\n\n0.77", LOSS, "## Summary\n\n0.12\n\n## Exercises\n\n0.77", "## Sources\n\n0.77"
    )
    assert not check_summary(made)


def test_titles_of_figures_count():
    picture = display(image_png="aa")
    picture.data["application/vnd.course-figure+json"] = {"schema": 1, "axes": [{"title": "peak 0.25"}]}
    made = notebook("## 1 One", code("draw()", outputs=(picture,)), "## Summary\n\nThe peak is 0.25.")
    assert not check_summary(made)
