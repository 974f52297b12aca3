"""Updates write what changed and nothing else, and refuse what must not be stored."""

import json
import subprocess
from copy import deepcopy

import nbformat
import pytest

from tests.regression import durations, update
from tests.regression.notebooks import code, display, notebook, stored, stream, write
from tests.regression.update import RefusedError, changed_sources, check_tags, main, merge, refuse_volatile


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    for name in ("CI", "COURSE_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def executed(*cells):
    made = notebook(*cells)
    for count, cell in enumerate(made.cells, start=1):
        cell.execution_count = count + 10
    return made


def pair(old, new):
    """Return the same notebook with one output before and after a run."""
    before = executed(code("work()", outputs=(old,)))
    after = deepcopy(before)
    after.cells[0].outputs = [new]
    return before, after


def test_an_output_within_tolerance_is_left_alone():
    before, after = pair(stream("loss 0.50"), stream("loss 0.51"))
    result = merge(before, after, changed=set())
    assert result.notebook.cells[0].outputs[0].text == "loss 0.50"
    assert not result.lines


def test_an_output_out_of_tolerance_is_rewritten_and_shown():
    before, after = pair(stream("loss 0.50"), stream("loss 0.60"))
    result = merge(before, after, changed=set())
    assert result.notebook.cells[0].outputs[0].text == "loss 0.60"
    assert "0.50 → 0.60" in result.lines[0]


@pytest.mark.parametrize("changed", [None, "same"])
def test_a_changed_source_is_stored_again(changed):
    before, after = pair(stream("loss 0.50"), stream("loss 0.51"))
    result = merge(before, after, changed={before.cells[0].id} if changed else None)
    assert result.notebook.cells[0].outputs[0].text == "loss 0.51"


def test_a_changed_style_is_drawn_again():
    def drawn(style, picture):
        content = {"schema": 1, "style": style, "axes": []}
        output = display(image_png=picture)
        output.data["application/vnd.course-figure+json"] = content
        return output

    before, after = pair(drawn("old", "one"), drawn("old", "two"))
    assert merge(before, after, set()).notebook.cells[0].outputs[0].data["image/png"] == "one"
    before, after = pair(drawn("old", "one"), drawn("new", "two"))
    assert merge(before, after, set()).notebook.cells[0].outputs[0].data["image/png"] == "two"


def test_ids_and_metadata_are_kept_and_the_rest_is_cleaned():
    before, after = pair(stream("a"), stream("b"))
    before.cells[0].metadata.update({"tags": ["here"], "execution": {"start": "12:00"}})
    before.metadata = nbformat.from_dict(
        {"kernelspec": {"name": "mine", "display_name": "My own"}, "widgets": {}}
    )
    before.cells.insert(0, code(""))
    after.cells.insert(0, code(""))
    result = merge(before, after, set()).notebook
    assert [cell.id for cell in result.cells] == [cell.id for cell in before.cells]
    assert result.cells[1].metadata == {"tags": ["here"]}
    assert result.metadata["kernelspec"]["name"] == "python3"
    assert set(result.metadata) == {"kernelspec", "language_info"}
    assert [cell.execution_count for cell in result.cells] == [None, 1]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<object at 0x7f3a2b4c5d6e>", "address"),
        ("saved to /home/somebody/model.keras", "path"),
        ("saved to /tmp/model.keras", "path"),
        ("C:\\Users\\somebody", "path"),
        ("finished at 12:34:56", "time"),
        ("on 2026-08-01", "date"),
    ],
)
def test_what_will_not_be_the_same_tomorrow_is_refused(text, name):
    with pytest.raises(RefusedError, match=name):
        refuse_volatile([stream(text)], 3)


@pytest.mark.parametrize(
    "text", ["https://example.org/tmp/x", "0x1F", "loss/accuracy", "3:2", "and/or", "1/2"]
)
def test_what_only_looks_like_it_is_not(text):
    refuse_volatile([stream(text)], 3)


def test_the_trace_of_an_error_on_purpose_names_no_files(tmp_path):
    cell = code("1 / 0", "raises-exception", exception_reason="shown")
    (output,) = stored(notebook(cell), tmp_path).cells[0].outputs
    assert output.traceback == ["ZeroDivisionError: division by zero"]


def test_tags_are_looked_at_first():
    with pytest.raises(RefusedError, match=r"cell 1.*no cell is exempt"):
        check_tags(notebook("1", code("2", "nbval-skip")))


def test_never_in_ci(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CI", "true")
    path = write(notebook("print(1)"), tmp_path / "one.ipynb")
    before = path.read_bytes()
    assert main([str(path)]) == 2
    assert path.read_bytes() == before
    assert "never stored in CI" in capsys.readouterr().out


def test_only_in_profile_quick(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert main([str(write(notebook("print(1)"), tmp_path / "one.ipynb"))]) == 2
    assert "profile quick" in capsys.readouterr().out


def test_stored_twice_is_the_same_file(tmp_path, capsys):
    path = write(notebook("# Title", "print('loss 0.5')", "6 * 7"), tmp_path / "one.ipynb")
    assert main([str(path)]) == 0
    first = path.read_bytes()
    assert "written" in capsys.readouterr().out
    assert main([str(path)]) == 0
    assert path.read_bytes() == first
    assert "unchanged" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.ipynb"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("class ClaimError(Exception): ...\nraise ClaimError('p is 0.3')", "ClaimError: p is 0.3"),
        ("import os\nprint(os.environ['OMP_NUM_THREADS'])", "another number of threads"),
        ("print(object())", "a memory address"),
    ],
)
def test_refusals_write_nothing(tmp_path, capsys, source, why):
    path = write(notebook(source), tmp_path / "one.ipynb")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert path.read_bytes() == before
    printed = capsys.readouterr().out
    assert why in printed
    assert "not written" in printed


def test_a_file_that_is_no_notebook(tmp_path, capsys):
    path = tmp_path / "one.ipynb"
    path.write_text("{")
    assert main([str(path), str(tmp_path / "none.ipynb")]) == 1
    assert capsys.readouterr().out.count("cannot be read") == 2


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "one.ipynb"
    path.write_text("old")
    monkeypatch.setattr(update.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        update._replace(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_sources_are_those_of_the_last_commit(tmp_path):
    made = notebook("a = 1", "b = 2")
    path = write(made, tmp_path / "one.ipynb")
    assert changed_sources(path, made) is None
    commands = (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one"],
    )
    for command in commands:
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert changed_sources(path, made) == set()
    made.cells[1].source = "b = 3"
    assert changed_sources(path, made) == {made.cells[1].id}


def test_durations_are_kept_while_they_hold(tmp_path):
    file = tmp_path / "durations.json"
    assert durations.read(file) == {}
    durations.store({"one": 30.2, "two": 10}, file)
    durations.store({"one": 33, "two": 20}, file)
    assert json.loads(file.read_text()) == {"one": 30, "two": 20}
