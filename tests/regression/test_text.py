"""Numbers in texts are compared with tolerance, the words around them exactly."""

import pytest

from tests.regression.findings import Findings
from tests.regression.tags import Tolerance
from tests.regression.text import compare_text, split, strip_html


def found(stored, new, **widths):
    findings = Findings()
    compare_text(stored, new, findings, "text", Tolerance(**widths))
    return findings


@pytest.mark.parametrize(
    ("stored", "new"),
    [
        ("loss 0.123", "loss 0.123"),
        ("loss 0.123", "loss 0.124"),
        ("loss  0.123\n", "loss 0.122"),
        ("97 %", "98 %"),
        ("97%", "96%"),
        ("97.25 %", "97.26 %"),
        ("[-0.00 0.50]", "[ 0.00 0.50]"),
        ("-0.0", "0.0"),
        ("1.2e-03", "1.3e-03"),
        ("9.9e-04", "1.0e-03"),
        ("1.0e-3", "9.9e-4"),
        ("0.999", "1"),
        ("1", "0.9999"),
        ("[0.1 nan inf]", "[0.2 nan inf]"),
        ("− 0.5", "- 0.5"),
        ("−0.50", "-0.51"),
        ("took 1.5× as long", "took 1.6× as long"),
        ("0.5s", "0.6s"),
        ("half\rwhole 0.1", "whole 0.1"),
        ("\x1b[31mred\x1b[0m 3", "red 3"),
        ("1,234,567 records", "1,234,567 records"),
        ("the end: 0.5.", "the end: 0.6."),
        (".5", ".6"),
    ],
)
def test_agree(stored, new):
    assert not found(stored, new).differences


@pytest.mark.parametrize(
    ("stored", "new", "kind"),
    [
        ("loss 0.123", "loss 0.125", "number"),
        ("loss 0.123", "cost 0.123", "text"),
        ("3 of 4", "3 of 5", "number"),
        ("97 %", "99 %", "number"),
        ("97 %", "97", "text"),
        ("1,234 records", "1,235 records", "number"),
        ("0.50", "-0.50", "number"),
        ("-0.5", "0.5", "number"),
        ("1.2e-03", "1.4e-03", "number"),
        ("1.2e-03", "1.2e-02", "number"),
        ("nan", "0.5", "text"),
        ("0.5", "nan", "text"),
        ("inf", "-inf", "text"),
        ("3", "3.0", "text"),
        ("3.0", "3", "text"),
        ("[1. 2.]", "[1. 3.]", "number"),
        ("[0.1, 0.2]", "[0.1, 0.2, 0.3]", "text"),
        ("conv2d_1", "conv2d_2", "text"),
        ("version 0.1.0", "version 0.2.0", "text"),
        ("float32", "float64", "text"),
        ("x-0.5", "x+0.5", "text"),
        ("true", "True", "text"),
        ("0.1", "", "text"),
    ],
)
def test_differ(stored, new, kind):
    differences = found(stored, new).differences
    assert [difference.kind for difference in differences] == [kind]


@pytest.mark.parametrize(
    ("stored", "new", "widths"),
    [
        ("epochs 100", "epochs 104", {"rtol": 0.05}),
        ("epochs 100", "epochs 103", {"atol": 3}),
        ("loss 0.100", "loss 0.119", {"atol": 0.02}),
        ("1,000 steps", "1,049 steps", {"rtol": 0.05}),
        ("loss 0.1", "loss 0.2", {"rtol": 0.0001}),
    ],
)
def test_tags_widen(stored, new, widths):
    assert not found(stored, new, **widths).differences


def test_tags_widen_only_so_far():
    assert found("epochs 100", "epochs 106", rtol=0.05).differences
    assert found("epochs 100", "epochs 97", atol=2).differences
    assert found("loss 0.1, epochs 3", "cost 0.1, epochs 3", rtol=1.0).differences


def test_one_unit_is_the_whole_tolerance():
    findings = found("a 0.10 b 0.300", "a 0.11 b 0.300")
    assert findings.numbers == 2
    assert findings.share == 1
    assert "'a'" in findings.worst


def test_a_tag_makes_the_share_smaller():
    assert found("0.10", "0.11", atol=0.04).share == pytest.approx(0.25)


def test_tolerances_are_noted():
    assert found("0.50 7", "0.50 7").tolerances == [pytest.approx(0.02), 0.0]


def test_the_message_names_the_place_and_what_was_allowed():
    (difference,) = found("train 0.1, test 0.20", "train 0.1, test 0.30").differences
    assert "', test'" in str(difference)
    assert "stored 0.20, new 0.30" in str(difference)
    assert "at most 0.01" in str(difference)


def test_a_word_is_shown_in_its_surroundings():
    (difference,) = found("a" * 300 + " cat", "a" * 300 + " dog").differences
    assert "cat" in difference.stored
    assert "dog" in difference.new
    assert len(difference.stored) < 120


def test_numbers_in_a_formula():
    assert [number.text for number in split("3-5, 2 - 1, f(-1), [-2]")[1]] == ["3", "5", "2", "1", "-1", "-2"]


def test_html_gives_its_text():
    table = "<style>td {width: 3px}</style><table><tr><td>loss</td><td>0.12&nbsp;%</td></tr></table>"
    assert split(strip_html(table))[0] == ["loss", ""]
    assert split(strip_html(table))[1][0].percent


def test_the_bound_of_a_claim_that_shows_nothing_else_is_exact():
    assert found("✓ outputs differ by: < 1e-06", "✓ outputs differ by: < 5e-07").differences
    assert not found("✓ outputs differ by: < 1e-06", "✓ outputs differ by: < 1e-06").differences
    assert not found("off by 1e-06", "off by 2e-06").differences
