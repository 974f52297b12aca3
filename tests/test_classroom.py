"""Claims, measurements and checks: what they print, what they refuse, when they stop a notebook."""

import numpy as np
import pytest

from course_utils import CourseError, check, claim, measured
from course_utils.classroom import ClaimError


@pytest.fixture(autouse=True)
def _in_class(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.delenv("COURSE_STRICT", raising=False)


@pytest.mark.parametrize(
    ("value", "relation", "bound", "options", "printed"),
    [
        (0.25, "<=", 0.25, {}, "✓ it holds: 0.250 <= 0.25 (margin 0.000)"),
        (97.18, ">=", 95, {"unit": "%", "digits": 2}, "✓ it holds: 97 % >= 95 % (margin 2 %)"),
        (97.18, ">=", 95, {"digits": 2}, "✓ it holds: 97.2 >= 95 (margin 2.2)"),
        (7, ">", 3, {}, "✓ it holds: 7 > 3 (margin 4)"),
        (np.float32(0.012345), "<", 0.1, {}, "✓ it holds: 0.0123 < 0.1 (margin 0.0877)"),
        (3.2e-9, "<", 1e-6, {}, "✓ it holds: < 1e-06"),
        (3.24e-9, ">", 0, {}, "✓ it holds: 3.24e-09 > 0 (margin 3.24e-09)"),
        (np.int64(4), "==", 4, {}, "✓ it holds: 4 == 4"),
        (34_537_472, "==", 34_537_472, {}, "✓ it holds: 34537472 == 34537472"),
        (0.0, ">", -1, {}, "✓ it holds: 0.00 > -1 (margin 1.00)"),
    ],
)
def test_a_claim_prints_its_value_and_margin(capsys, value, relation, bound, options, printed):
    claim("it holds", value, relation, bound, **options)
    assert capsys.readouterr().out.strip() == printed


@pytest.mark.parametrize(
    ("value", "relation", "bound"),
    [(2, "<", 1), (1, "<", 1), (2, "<=", 1), (1, ">", 1), (0, ">=", 1), (1, "==", 2), (1, "!=", 1)],
)
def test_a_claim_that_does_not_hold_stops_the_notebook(capsys, value, relation, bound):
    with pytest.raises(ClaimError, match="does not bear this out: it holds"):
        claim("it holds", value, relation, bound)
    assert capsys.readouterr().out.startswith("✗ it holds")


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "==", "!="])
def test_not_a_number_bears_out_nothing(relation):
    with pytest.raises(ClaimError):
        claim("it holds", float("nan"), relation, 1)


def test_in_smoke_a_claim_is_reported_and_not_fatal(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    claim("it holds", 2, "<", 1)
    assert capsys.readouterr().out == "✗ it holds: 2 < 1\n"


@pytest.mark.parametrize(
    ("value", "relation", "error", "message"),
    [
        (True, "==", TypeError, "not a truth value"),
        (np.True_, "==", TypeError, "not a truth value"),
        ([1, 2], "<", TypeError, r"of shape \(2,\)"),
        ("3", "<", TypeError, "one number, not str"),
        (1, "=<", ValueError, "one of < <= > >= == !="),
    ],
)
def test_a_claim_rests_on_a_number(value, relation, error, message):
    with pytest.raises(error, match=message):
        claim("it holds", value, relation, 1)


def test_a_tensor_is_a_number():
    import tensorflow as tf

    claim("it holds", tf.constant(0.5), "<", tf.constant(1.0))


def test_a_measurement_prints_its_bounds_and_returns_its_value(capsys):
    assert measured(1.8, "s", low=0.1, high=30, text="an epoch") == 1.8
    assert capsys.readouterr().out == "✓ an epoch: between 0.1 and 30 s\n"


@pytest.mark.parametrize("value", [0.05, 31, float("nan")])
def test_a_measurement_outside_its_bounds_fails(value):
    with pytest.raises(ClaimError, match=r"is not between 0.1 and 30 s"):
        measured(value, "s", low=0.1, high=30)


def test_the_bounds_of_a_measurement_are_in_order():
    with pytest.raises(ValueError, match="low must be below high, not 3 and 1"):
        measured(2, "s", low=3, high=1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (0.2504, 0.25),
        (1000.5, 1000),
        ([1, 2], np.array([1.0, 2.0])),
        ("tanh", "tanh"),
        ({"a"}, {"a"}),
        (3, lambda answer: answer > 2),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_a_right_answer(capsys, answer, expected):
    check("exercise 1", answer, expected, hint="think")
    assert capsys.readouterr().out == "✓ exercise 1: right\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (0.26, 0.25),
        ([1, 2, 3], [1, 2]),
        ("ReLU", "tanh"),
        ("0.25", 0.25),
        (float("nan"), 0.25),
        (1, lambda answer: answer > 2),
        ("text", lambda answer: answer.shape == (2,)),
        (lambda: 1 / 0, lambda answer: answer() > 0),
    ],
)
def test_a_wrong_or_crashing_answer_gets_the_hint(capsys, monkeypatch, answer, expected):
    check("exercise 1", answer, expected, hint="think again")
    printed = capsys.readouterr().out
    assert printed.startswith("✗ exercise 1:")
    assert printed.endswith("Hint: think again\n")
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(CourseError, match="does not pass"):
        check("exercise 1", answer, expected, hint="think again")


def test_no_answer_gets_the_hint(capsys):
    check("exercise 1", None, 0.25, hint="think")
    assert capsys.readouterr().out == "… exercise 1: no answer yet. Hint: think\n"
