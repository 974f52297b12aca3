"""Tags widen a comparison, with a reason; nothing exempts a cell from it."""

import pytest

from tests.regression.notebooks import code
from tests.regression.tags import TagError, Tolerance, read_tolerance


def test_no_tag_is_no_tolerance():
    assert not read_tolerance(code("1", "setup"))


def test_widths():
    cell = code("1", "rtol=0.05", "atol=2", tolerance_reason="a count of training")
    assert read_tolerance(cell) == Tolerance(rtol=0.05, atol=2)


def test_a_width_needs_a_reason():
    with pytest.raises(TagError, match="tolerance_reason"):
        read_tolerance(code("1", "rtol=0.05"))
    with pytest.raises(TagError, match="tolerance_reason"):
        read_tolerance(code("1", "rtol=0.05", tolerance_reason="  "))


@pytest.mark.parametrize("tag", ["rtol=wide", "atol=", "rtol=-1", "atol=0", "rtol=inf", "rtol=nan"])
def test_a_width_that_cannot_be_read(tag):
    with pytest.raises(TagError, match="tag"):
        read_tolerance(code("1", tag, tolerance_reason="because"))


@pytest.mark.parametrize(
    "tag",
    ["nbval-ignore-output", "nbval-skip", "NBVAL_SKIP", "skip-execution", "pytest-validate-ignore-output"],
)
def test_no_tag_exempts(tag):
    with pytest.raises(TagError, match="no cell is exempt"):
        read_tolerance(code("1", tag))


@pytest.mark.parametrize(
    "comment",
    [
        "# NBVAL_IGNORE_OUTPUT",
        "#NBVAL_IGNORE_OUTPUT: it changes",
        "  # nbval-skip because it is slow",
        "## Nbval Ignore Output",
        "# please NBVAL_IGNORE_OUTPUT",
        "# PYTEST_VALIDATE_IGNORE_OUTPUT",
    ],
)
def test_no_comment_exempts(comment):
    with pytest.raises(TagError, match="no cell is exempt"):
        read_tolerance(code(f"x = 1\n{comment}\nprint(x)"))


def test_an_error_on_purpose_needs_a_reason():
    with pytest.raises(TagError, match="exception_reason"):
        read_tolerance(code("1 / 0", "raises-exception"))
    read_tolerance(code("1 / 0", "raises-exception", exception_reason="the lesson is the message"))
