"""Sequences: what their records are, that nothing leaks from the test, and what is refused."""

from __future__ import annotations

import hashlib
import importlib.util
from types import ModuleType

import numpy as np
import pytest

from course_utils import datasets
from course_utils.datasets import sequences
from course_utils.errors import CourseError


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")


# The adding problem.


@pytest.mark.parametrize("length", [2, 7, 50])
def test_adding_marks_one_number_in_each_half(length):
    data = datasets.load("adding", n=300, n_test=40, length=length)
    assert data.train.inputs.shape == (300, length, 2)
    assert len(data.test) == 40
    numbers, marks = np.moveaxis(data.train.inputs, -1, 0)
    assert set(np.unique(marks)) <= {0, 1}
    assert (marks[:, : length // 2].sum(axis=1) == 1).all()
    assert (marks[:, length // 2 :].sum(axis=1) == 1).all()
    assert 0 <= numbers.min() < numbers.max() <= 1
    expected = [row[mark == 1].sum() for row, mark in zip(numbers, marks, strict=True)]
    np.testing.assert_allclose(data.train.labels, expected, rtol=1e-6)


def test_addings_best_constant_has_the_error_that_is_stated():
    labels = datasets.load("adding", n=20_000, length=4).train.labels
    assert labels.mean() == pytest.approx(1, abs=0.01)
    assert labels.var() == pytest.approx(1 / 6, abs=0.005)


def test_addings_marks_reach_every_place():
    marks = datasets.load("adding", n=2000, length=10).train.inputs[..., 1]
    assert (marks.sum(axis=0) > 300).all()


def test_adding_depends_on_its_seed_alone():
    first, again, other = (datasets.load("adding", n=5, seed=seed).train.inputs for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("option", [{"length": 1}, {"n": 0}, {"n_test": 2.5}, {"seed": -1}])
def test_adding_refuses_what_it_cannot_draw(option):
    with pytest.raises(CourseError, match=next(iter(option))):
        datasets.load("adding", **option)


# Time series.


@pytest.mark.parametrize(
    ("name", "length", "first", "last", "tested"),
    [("sunspots", 309, 5, 2.9, 89), ("co2", 526, 316.1, 371.02, 144)],
)
@pytest.mark.parametrize(("window", "horizon"), [(24, 1), (12, 6), (1, 1)])
def test_windows_cover_the_series_in_order(name, length, first, last, tested, window, horizon):
    data = datasets.load(name, window=window, horizon=horizon)
    series = np.concatenate([data.train.inputs[0, :, 0], *(part.inputs[:, -1, 0] for part in _parts(data))])
    assert len(data.train) + len(data.test) == length - window - horizon + 1
    assert len(data.test) == tested
    assert series[0] == pytest.approx(first)
    assert data.test.labels[-1] == pytest.approx(last)
    series = np.delete(series, window)  # the first window's last value stood there twice
    labels = np.concatenate([part.labels for part in _parts(data)])
    np.testing.assert_array_equal(labels[:-horizon], series[window + horizon - 1 :])


def _parts(data):
    return data.train, data.test


def test_co2_is_the_mean_of_each_months_weeks():
    data = datasets.load("co2", window=1)
    values = np.concatenate([data.train.inputs[:, 0, 0], data.test.inputs[:, 0, 0]])
    assert values[0] == pytest.approx(316.1)  # one week of March 1958
    assert values[1] == pytest.approx((317.3 + 317.6 + 317.5 + 316.4) / 4, abs=1e-3)
    assert values[3] == pytest.approx((values[2] + values[4]) / 2, abs=1e-3)  # June 1958 was not measured
    assert "5 empty months" in data.provenance


@pytest.mark.parametrize("option", [{"window": 0}, {"horizon": 0}, {"window": 220}, {"window": "24"}])
def test_windows_refuse_what_does_not_fit(option):
    with pytest.raises(CourseError, match=next(iter(option))):
        datasets.load("sunspots", **option)


def test_without_statsmodels_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(CourseError, match="pip install statsmodels"):
        datasets.load("co2")


# The text.


@pytest.fixture(scope="module")
def text():
    return datasets.load("python_text")


def test_labels_are_the_characters_that_follow(text):
    for part in _parts(text):
        codes, following = part.inputs.ravel(), part.labels.ravel()
        assert np.array_equal(codes[1:], following[:-1])
        assert part.inputs.shape == part.labels.shape == (len(part), 64)


def test_the_text_is_the_same_with_every_version(text):
    # The numbers of all characters, as every version of Python must give them.
    digests = [hashlib.sha256(part.labels.astype("<i4").tobytes()).hexdigest()[:16] for part in _parts(text)]
    assert digests == ["325eee36bdcb7936", "7cd70282dc94b0e1"]
    assert text.provenance.startswith("1643 of the 1643 paragraphs")
    assert "PSF" in text.license


def test_the_text_reads_as_python_has_it(text):
    written = "".join(text.classes[code] for code in text.test.labels.ravel())
    assert written.startswith('he "assert" statement\n**')
    assert "assert_stmt ::=" in written


def test_no_paragraph_of_the_test_is_in_the_training_text(text):
    train, test = (
        {" ".join(each.split()) for each in _read(text, part).split("\n\n")} for part in _parts(text)
    )
    assert not train & test


def _read(text, part):
    return "".join(text.classes[code] for code in part.labels.ravel())


def test_windows_can_have_any_length(text):
    other = datasets.load("python_text", length=100)
    size = min(text.train.labels.size, other.train.labels.size)
    assert np.array_equal(other.train.labels.ravel()[:size], text.train.labels.ravel()[:size])
    with pytest.raises(CourseError, match="length"):
        datasets.load("python_text", length=0)


def test_a_version_that_lacks_paragraphs_says_so(monkeypatch):
    from pydoc_data import topics

    fewer = ModuleType("topics")
    fewer.topics = {name: body for name, body in topics.topics.items() if name != "assert"}
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", fewer)
    data = datasets.load("python_text")
    assert not data.provenance.startswith("1643 of the 1643")
    assert " of the 1643 paragraphs" in data.provenance


def test_paragraphs_are_plain_and_foreign_letters_leave():
    found = sequences.paragraphs(["“one” – two…\n\n  three\n   \nStraße"])
    assert found == ['"one" - two...', "  three"]


def test_few_records_are_enough_in_smoke(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    for name in ("adding", "sunspots", "co2", "python_text"):
        data = datasets.load(name)
        assert len(data.train) == len(data.test) == 64
