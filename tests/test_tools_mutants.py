"""The sampler of faults draws valid ones, repeatably, and counts them honestly."""

import ast
import json
import random
from itertools import islice

import pytest

from tools import mutant_trial, mutants
from tools.mutant_sample import Mutant, codes, quotas
from tools.mutant_sample import mutants as draw_mutants
from tools.mutant_trial import Verdict
from tools.mutation import Fault, faults, is_valid
from tools.notebook_files import dump

CODE = '''\
"""A docstring with 7 numbers."""
import numpy as np


def élan(x: int = 3, *, axis=0) -> int:
    """Return 4."""
    if x < 0:
        raise ValueError("not below 0")
    total = np.mean(x, axis=0) * 2.5 - x[1:]
    total += abs(-x)
    return total / 2


layer = Dense(16, activation="relu", use_bias=True)
axes.set_title("ünïcode title")
plot.figure(width=4)
check("exercise 1", élan(1, axis=-1), 2, hint="add 1 and 1")
epochs = pick(quick=5, full=50, smoke=1)
'''


def described(code):
    return {(fault.operator, code[fault.start : fault.end], fault.text) for fault in faults(code)}


@pytest.mark.parametrize(
    "expected",
    [
        ("operator", "*", "/"),
        ("operator", "-", "+"),
        ("sign", "+=", "-="),
        ("sign", "-x", "x"),
        ("sign", "total / 2", "-(total / 2)"),
        ("comparison", "<", ">="),
        ("comparison", "x < 0", "not (x < 0)"),
        ("constant", "2.5", "5.0"),
        ("constant", "16", "17"),
        ("constant", "True", "False"),
        ("constant", "5", "6"),
        ("index", "1", "2"),
        ("axis", "0", "1"),
        ("axis", "-1", "0"),
        ("argument", "axis=0", ""),
        ("argument", 'activation="relu",', ""),
        ("argument", "élan(1, axis=-1), 2", "2, élan(1, axis=-1)"),
        ("activation", '"relu"', "'tanh'"),
        ("function", "np.mean", "np.sum"),
        ("label", '"ünïcode title"', "'ünïcode title x'"),
        ("dropped call", "abs(-x)", "-x"),
        ("dropped call", 'axes.set_title("ünïcode title")', "pass"),
        ("layout", "4", "5"),
        ("layout", "width=4", ""),
    ],
)
def test_each_kind_of_fault_is_proposed(expected):
    assert expected in described(CODE)


@pytest.mark.parametrize("text", ["7", "4 ", "below", "add", "int", "50", "exercise 1 and", "np\n"])
def test_what_nobody_could_notice_is_left_alone(text):
    changed = {CODE[fault.start : fault.end] for fault in faults(CODE) if "\n" not in fault.text}
    small = {stretch for stretch in changed if len(stretch) < 30 and "(" not in stretch}
    assert not any(text in stretch for stretch in small)


def test_every_valid_fault_is_another_program():
    valid = [fault for fault in faults(CODE) if is_valid(CODE, fault)]
    assert len(valid) > 40
    original = ast.dump(ast.parse(CODE))
    assert all(ast.dump(ast.parse(fault.apply(CODE))) != original for fault in valid)
    assert not is_valid(CODE, Fault("constant", 0, 0, "(", 1))
    assert faults("%matplotlib inline") == []


@pytest.fixture
def notebook(tmp_path):
    cells = [
        {"cell_type": "code", "metadata": {"tags": ["setup"]}, "source": ["x = 1\n"]},
        {"cell_type": "markdown", "metadata": {}, "source": ["1 + 1"]},
        {"cell_type": "code", "metadata": {}, "source": CODE.splitlines(keepends=True), "outputs": [1]},
    ]
    path = tmp_path / "notebooks" / "01_x.ipynb"
    path.parent.mkdir()
    path.write_text(dump({"cells": cells}), encoding="utf-8")
    return path


def test_the_setup_cell_gets_no_fault(notebook):
    assert [place for place, _ in codes(notebook)] == [2]


def test_the_same_seed_draws_the_same_mutants_and_kinds_take_turns(notebook, tmp_path):
    drawn = [list(islice(draw_mutants(notebook, tmp_path, random.Random(3)), 16)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    other = list(islice(draw_mutants(notebook, tmp_path, random.Random(4)), 16))
    assert drawn[0] != other
    first = [mutant.fault.operator for mutant in drawn[0][:8]]
    assert len(set(first)) == 8
    assert not {"label", "layout"} & set(first)
    everything = list(draw_mutants(notebook, tmp_path, random.Random(3)))
    assert len(everything) == len({mutant.fault for mutant in everything})
    assert {"label", "layout"} <= {mutant.fault.operator for mutant in everything}


def test_a_mutant_changes_one_cell_and_nothing_else(notebook, tmp_path):
    before = json.loads(notebook.read_text(encoding="utf-8"))
    mutant = next(draw_mutants(notebook, tmp_path, random.Random(1)))
    mutant.write(tmp_path)
    after = json.loads(notebook.read_text(encoding="utf-8"))
    assert "".join(after["cells"][2].pop("source")) == mutant.mutated != CODE
    before["cells"][2].pop("source")
    assert after == before
    assert mutant.diff().count("\n+") == 1 or mutant.diff().startswith("-")


def test_identity_stays_when_another_statement_changes():
    def mutant(code):
        start = code.index("2.5")
        fault = Fault("constant", start, start + 3, "9", code[:start].count("\n") + 1)
        return Mutant("course_utils/x.py", -1, code, fault)

    assert mutant(CODE).identity == mutant("import os\n" + CODE).identity
    assert mutant(CODE).identity != mutant(CODE.replace("total / 2", "total")).identity


def test_a_sample_is_shared_among_files(tmp_path):
    books, modules = [tmp_path / f"{n}.ipynb" for n in range(4)], [tmp_path / f"{n}.py" for n in range(30)]
    files = quotas(books, modules, 40, random.Random(1))
    assert sum(files.values()) == 40
    assert [files[book] for book in books] == [5] * 4
    assert sum(quotas(books, [], 7, random.Random(1)).values()) == 7


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("assert 1 == 1", "survived"),
        ("raise ValueError('x')", "raised"),
        ("with pytest.raises(ValueError): pass", "noticed"),
    ],
)
def test_unit_tests_notice_by_assertion_and_not_by_raising(tmp_path, test, status):
    (tmp_path / "test_it.py").write_text(f"import pytest\n\ndef test_it():\n    {test}\n")
    assert mutant_trial.run_tests(["test_it.py"], tmp_path).status == status


def test_verdicts_are_kept_by_content(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return Verdict("noticed", "number")

    results = [mutant_trial.cached(key, compute, tmp_path) for key in ("a", "a", "b")]
    assert results == [Verdict("noticed", "number")] * 3
    assert len(calls) == 2


def test_modules_find_their_unit_tests():
    assert "tests/test_classroom.py" in mutant_trial.unit_tests("course_utils/classroom.py")
    assert all("classroom" in name for name in mutant_trial.unit_tests("course_utils/classroom.py"))


def tally(**counts):
    fault = Fault("constant", 0, 1, "2", 1)
    verdicts = [Verdict(status, "number") for status, count in counts.items() for _ in range(count)]
    return mutants.Tally([(Mutant("notebooks/1.ipynb", 2, "1", fault), verdict) for verdict in verdicts])


def test_share_leaves_out_what_raises_and_what_is_equivalent():
    counted = tally(noticed=8, survived=1, raised=50, equivalent=1)
    assert counted.counted == 10
    assert counted.share == pytest.approx(8 / 9)
    assert counted.complaints(10) == []
    assert tally(noticed=7, survived=3).complaints(10) == ["70% noticed, 80% is the least"]
    assert "equivalent" in tally(noticed=8, equivalent=2).complaints(10)[0]
    assert "only 8 mutants" in tally(noticed=8).complaints(10)[0]


def test_report_lists_survivors_with_what_they_change():
    text = "\n".join(mutants.summary(tally(noticed=3, survived=1, raised=2)))
    assert "survived: notebooks/1.ipynb, cell 2, line 1" in text
    assert "-1\n+2" in text
    assert "3 of 4 mutants noticed (75%)" in text
    assert json.loads(mutants.as_json(tally(noticed=3), 3, 1))["share"] == 1


def test_raising_mutants_are_replaced_by_others(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    outcomes = iter([Verdict("raised")] * 3 + [Verdict("noticed")] * 5)
    monkeypatch.setattr(mutants, "judge", lambda mutant, equivalents: next(outcomes))
    drawn = list(mutants.draw({notebook: 5}, 1, {}))
    assert [verdict.status for _, verdict in drawn].count("noticed") == 5
    assert len(drawn) == 8


def test_an_equivalent_mutant_needs_a_reason(tmp_path):
    file = tmp_path / "equivalent.json"
    assert mutants.known_equivalents(file) == {}
    file.write_text('{"abc": "the default"}')
    assert mutants.known_equivalents(file) == {"abc": "the default"}
    file.write_text('{"abc": " "}')
    with pytest.raises(ValueError, match="no reason for abc"):
        mutants.known_equivalents(file)
