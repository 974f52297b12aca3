"""Running notebooks: as Jupyter would, the first failure speaks, and a dead kernel is named."""

import os
import sys
import time
from copy import deepcopy

import pytest

from tests.regression.environment import ROOT, kernel_environment, processors
from tests.regression.execution import NotebookRun, run_notebook
from tests.regression.notebooks import FIGURES, code, notebook, stored, stream


def verdicts(result):
    return [cell.verdict for cell in result.cells]


def outputs(result, number):
    return result.notebook.cells[result.cells[number].position].outputs


@pytest.fixture(scope="module")
def faithful(tmp_path_factory):
    """Run one notebook that looks at many things nbval alone does otherwise."""
    folder = tmp_path_factory.mktemp("faithful")
    made = notebook(
        "6 * 7",
        "_ + 1, In[1], get_ipython().history_manager is not None",
        "import os\nos.write(1, b'from C\\n')\nprint('from Python')",
        "import sys\nprint('careful 0.5', file=sys.stderr)",
        "3;",
        "from IPython.display import clear_output, display\nprint('old')\nclear_output()\nprint('new')",
        "handle = display('before', display_id=True)\nhandle.update('after')",
        "import os, sys\nprint(os.getcwd() == os.path.realpath('.'), sys.executable)\n"
        "print(*(os.environ.get(name) for name in ('COURSE_PROFILE', 'COURSE_PROGRESS', 'COURSE_STRICT',"
        " 'PYTHONHASHSEED', 'PYTEST_CURRENT_TEST')))\nprint(os.path.basename(os.getcwd()))",
        f"{FIGURES}\nplt.plot([1, 2]);",
        "figure, axes = plt.subplots()\nplt.close(figure)\ndisplay(figure)",
    )
    return folder, run_notebook(made, folder=folder, compare=False)


def test_results_go_into_the_history(faithful):
    _, result = faithful
    assert outputs(result, 1)[0].data["text/plain"] == "(43, '6 * 7', True)"
    assert result.notebook.cells[1].execution_count == 2


def test_output_of_compiled_code_is_kept(faithful):
    _, result = faithful
    text = "".join(output.text for output in outputs(result, 2) if output.output_type == "stream")
    assert "from C" in text
    assert "from Python" in text


def test_standard_error_is_an_output(faithful):
    _, result = faithful
    assert outputs(result, 3)[0].name == "stderr"


def test_a_semicolon_hides_a_result(faithful):
    _, result = faithful
    assert outputs(result, 4) == []


def test_cleared_output_is_gone(faithful):
    _, result = faithful
    assert [output.text for output in outputs(result, 5)] == ["new\n"]


def test_an_updated_display_shows_the_last_state(faithful):
    _, result = faithful
    assert [output.data["text/plain"] for output in outputs(result, 6)] == ["'after'"]


def test_the_kernel_is_this_python_in_the_notebooks_folder(faithful):
    folder, result = faithful
    place, settings, name = outputs(result, 7)[0].text.splitlines()
    assert place == f"True {sys.executable}"
    assert settings == "quick 0 1 0 None"
    assert name == folder.name


def test_figures_come_with_their_content(faithful):
    _, result = faithful
    for number in (8, 9):
        (output,) = outputs(result, number)
        assert output.data["application/vnd.course-figure+json"]["schema"] == 1
        assert output.metadata["image/png"]["alt"]


def test_usage_is_measured(faithful):
    _, result = faithful
    assert result.usage.wall > 0.1
    assert result.usage.cpu > 0.1
    assert 20 < result.usage.peak < 2000


def test_the_first_failure_blocks_the_rest(tmp_path):
    made = stored(notebook("x = 1\nprint(x)", "print(x + 1)", "print(x + 2)"), tmp_path)
    made.cells[1].outputs = [stream("5\n")]
    result = run_notebook(made, folder=tmp_path)
    assert verdicts(result) == ["passed", "failed", "blocked"]
    assert result.failure.kind == "number"
    assert result.cells[2].message == "blocked by cell 1"
    assert not result.passed


def test_going_on_after_a_difference_but_not_after_an_error(tmp_path):
    made = stored(notebook("print(1)", "print(2)", "print(3)"), tmp_path)
    made.cells[0].outputs = [stream("7\n")]
    made.cells[1].source = "raise ValueError('no')"
    result = run_notebook(made, folder=tmp_path, stop_at_first_difference=False)
    assert verdicts(result) == ["failed", "failed", "blocked"]
    assert [cell.kind for cell in result.cells] == ["number", "error", ""]
    assert "ValueError: no" in result.cells[1].message


def test_what_noticed_it(tmp_path):
    figure = """content = {{"schema": 1, "y": {{"values": {}, "range": "0 5"}}}}
display({{"application/vnd.course-figure+json": content}}, raw=True)"""
    claim = "class ClaimError(Exception): ..."
    made = notebook("print('loss 0.5')", figure.format("'0 5'"), claim)
    good = stored(made, tmp_path)
    assert run_notebook(good, folder=tmp_path).passed
    changes = {
        "number": (0, "print('loss 0.7')"),
        "text": (0, "print('cost 0.5')"),
        "figure": (1, figure.format("'5 0'")),
        "claim": (2, f"{claim}\nraise ClaimError('no')"),
    }
    for kind, (number, source) in changes.items():
        changed = deepcopy(good)
        changed.cells[number].source = source
        assert run_notebook(changed, folder=tmp_path).failure.kind == kind


def test_a_cell_asked_for_brings_its_predecessors(tmp_path):
    made = stored(notebook("x = 1\nprint(x)", "x += 1\nprint(x)", "print(x)"), tmp_path)
    made.cells[0].outputs = [stream("9\n")]
    with NotebookRun(made, folder=tmp_path) as run:
        assert run.run_cell(2).verdict == "passed"


def test_a_killed_kernel_is_named_at_once(tmp_path):
    source = (
        "import os, signal, time\nprint('the last words', flush=True)\ntime.sleep(0.5)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(60)"
    )
    with NotebookRun(notebook("print(1)", source, "print(2)"), folder=tmp_path, compare=False) as run:
        run.run_cell(0)
        started = time.perf_counter()
        result = run.run_cell(1)
        assert time.perf_counter() - started < 5.5
        assert run.run_cell(2).verdict == "blocked"
    assert result.kind == "dead"
    assert "signal 9 (SIGKILL)" in result.message
    assert "peak memory" in result.message
    assert "the last words" in result.message


def test_a_kernel_that_leaves_is_named_with_its_code(tmp_path):
    result = run_notebook(notebook("import os\nos._exit(3)"), folder=tmp_path, compare=False)
    assert "exit code 3" in result.failure.message


def a_python_that_dies(tmp_path, times):
    """Return a Python that ends with a last word at its first starts, as one whose port was taken does."""
    script, starts = tmp_path / "python", tmp_path / "starts"
    script.write_text(
        f'#!/bin/sh\necho start >> {starts}\n[ "$(wc -l < {starts})" -gt {times} ] || '
        f'{{ echo "Address already in use" >&2; exit 1; }}\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    return {"COURSE_KERNEL_PYTHON": str(script)}, starts


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_a_kernel_that_dies_before_it_answers_is_started_again(tmp_path):
    environment, starts = a_python_that_dies(tmp_path, times=2)
    result = run_notebook(notebook("print(1)"), folder=tmp_path, compare=False, environment=environment)
    assert result.passed
    assert outputs(result, 0)[0].text == "1\n"
    assert len(starts.read_text().split()) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_a_kernel_that_never_answers_is_named_with_its_last_words(tmp_path):
    environment, starts = a_python_that_dies(tmp_path, times=99)
    result = run_notebook(notebook("print(1)"), folder=tmp_path, compare=False, environment=environment)
    assert result.failure.kind == "dead"
    assert "did not start" in result.failure.message
    assert "Address already in use" in result.failure.message
    assert len(starts.read_text().split()) == 3


def test_a_cell_that_hangs(tmp_path):
    made = notebook("import time\ntime.sleep(60)", "print(1)")
    result = run_notebook(made, folder=tmp_path, compare=False, timeout=1)
    assert result.failure.kind == "timeout"
    assert "longer than 1 s" in result.failure.message


def test_an_error_on_purpose(tmp_path):
    made = stored(notebook(code("1 / 0", "raises-exception", exception_reason="shown"), "print(1)"), tmp_path)
    assert run_notebook(made, folder=tmp_path).passed
    made.cells[0].source = "[][0]"
    assert run_notebook(made, folder=tmp_path).failure.kind == "text"
    made.cells[0].source = "print('all is well')"
    assert run_notebook(made, folder=tmp_path).failure.kind == "text"


def test_outputs_are_compared_in_profile_quick_only(tmp_path):
    made = stored(notebook("print(1)", "print(2)"), tmp_path)
    made.cells[0].outputs = [stream("7\n")]
    for profile in ("smoke", "full"):
        result = run_notebook(made, folder=tmp_path, environment={"COURSE_PROFILE": profile})
        assert result.passed
        assert not result.compared
    made.cells[1].source = "1 / 0"
    assert not run_notebook(made, folder=tmp_path, environment={"COURSE_PROFILE": "smoke"}).passed


def test_a_cell_that_was_never_stored(tmp_path):
    result = run_notebook(notebook("x = 1"), folder=tmp_path)
    assert "make update" in result.failure.message


def test_a_tag_that_exempts_fails(tmp_path):
    made = stored(notebook("print(1)"), tmp_path)
    made.cells[0].metadata["tags"] = ["nbval-ignore-output"]
    assert run_notebook(made, folder=tmp_path).failure.kind == "tag"


def test_environment(monkeypatch):
    for name in ("TF_NUM_INTRAOP_THREADS", "PYTHONPATH", "COURSE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", str(10 * processors()))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = kernel_environment({"COURSE_PROGRESS": "1"})
    assert environment["TF_NUM_INTRAOP_THREADS"] == "1"
    assert environment["OMP_NUM_THREADS"] == "7"
    assert environment["COURSE_PROGRESS"] == "1"
    assert environment["COURSE_PROFILE"] == "quick"
    assert environment["PYTHONPATH"] == str(ROOT)
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in environment
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert kernel_environment()["COURSE_PROFILE"] == "full"
