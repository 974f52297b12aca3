"""The plugin as pytest uses it: collection, order, blocking, evidence, options, parallel runs."""

import json
from xml.etree import ElementTree

import pytest

from tests.regression import durations, evidence
from tests.regression.notebooks import code, display, notebook, stored, stream, write

ARGUMENTS = ("--nbval", "-p", "no:cacheprovider")


@pytest.fixture
def folder(pytester, monkeypatch):
    for name in ("CI", "COURSE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest("")
    return pytester.path


@pytest.fixture
def run(pytester, folder):
    def run(*arguments):
        kept = f"--kept-in={folder / 'kept'}"
        return pytester.runpytest_inprocess(*ARGUMENTS, "-p", "tests.regression.plugin", kept, *arguments)

    return run


@pytest.fixture(scope="module")
def good_notebook(tmp_path_factory):
    made = notebook("# Title", "## 1 First", "x = 1", "print(f'loss {x / 2:.2f}')", "## Summary", "7")
    return stored(made, tmp_path_factory.mktemp("good"))


@pytest.fixture
def good(good_notebook, folder):
    return write(good_notebook, folder / "good.ipynb")


def spoil(path, number, text):
    import nbformat

    made = nbformat.read(str(path), as_version=4)
    [cell for cell in made.cells if cell.cell_type == "code"][number].outputs = [stream(text)]
    return write(made, path)


def test_a_good_notebook(run, good, folder):
    result = run("good.ipynb", "--junit-xml=report.xml", "--share-report=shares.json")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*= notebooks =*", "notebook*wall*CPU*", "good.ipynb*"])
    report = ElementTree.parse(folder / "report.xml")
    cases = {case.get("name"): case for case in report.iter("testcase")}
    properties = {entry.get("name"): entry.get("value") for entry in cases["Cell 1"].iter("property")}
    assert properties["course_notebook"] == "good.ipynb"
    assert properties["course_numbers"] == "1"
    assert float(properties["course_seconds"]) > 0
    assert properties["course_share"] == "0.0"
    shares = json.loads((folder / "shares.json").read_text())["notebooks"]["good.ipynb"]
    assert shares["1"]["verdict"] == "passed"
    assert not (folder / "kept").exists()


def test_without_nbval_nothing_is_collected(pytester, good):
    result = pytester.runpytest_inprocess("-p", "tests.regression.plugin", "-p", "no:cacheprovider")
    result.assert_outcomes()


def test_the_first_failure_speaks_and_is_kept(run, good, folder):
    spoil(good, 1, "loss 0.70\n")
    result = run("good.ipynb", "-rs")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*stored 0.70, new 0.50 (at most 0.01 apart)*", "*blocked by cell 1*"])
    page = (folder / "kept" / "good.html").read_text()
    for part in ("loss 0.70", "loss 0.50", "stored 0.70, new 0.50", "blocked by cell 1"):
        assert part in page
    assert json.loads((folder / "kept" / "good.executed.ipynb").read_text())["nbformat"] == 4
    spoil(good, 1, "loss 0.50\n")
    run("good.ipynb").assert_outcomes(passed=4)
    assert not list((folder / "kept").iterdir())


def test_going_on_after_a_difference(run, good):
    spoil(good, 1, "loss 0.70\n")
    run("good.ipynb", "--keep-going").assert_outcomes(passed=3, failed=1)


def test_one_cell_alone(run, good, folder):
    run("good.ipynb::Cell 1").assert_outcomes(passed=1)
    import nbformat

    made = nbformat.read(str(good), as_version=4)
    made.cells[2].source = "x = 1 / 0"
    write(made, good)
    result = run("good.ipynb::Cell 1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*blocked by cell 0, which it needs*", "*ZeroDivisionError*"])


def test_share_limit(run, good):
    spoil(good, 1, "loss 0.51\n")
    run("good.ipynb").assert_outcomes(passed=4)
    result = run("good.ipynb", "--share-limit=0.8")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*used 100% of its tolerance; at most 80% is wanted*"])
    result.stdout.fnmatch_lines(["largest share of a tolerance used: 100% in good.ipynb, cell 1*"])


def test_budget(run, good):
    assert run("good.ipynb", "--budget=30").ret == 0
    result = run("good.ipynb", "--budget=0")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*its budget is 0*"])


def test_a_section_that_shows_nothing(run, folder):
    made = notebook("## 1 Silent", "x = sum(range(3))", "## 2 Loud", "print(3)")
    write(stored(made, folder), folder / "silent.ipynb")
    result = run("silent.ipynb")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*section '1 Silent' computes, but none of its cells shows*"])


def test_a_comment_that_exempts_fails(run, folder):
    made = stored(notebook("print(1)"), folder)
    made.cells[0].source = "# NBVAL_IGNORE_OUTPUT: it changes\nprint(1)"
    write(made, folder / "exempt.ipynb")
    result = run("exempt.ipynb")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*no cell is exempt*"])


def test_other_profiles_look_at_errors_only(run, good, monkeypatch):
    spoil(good, 1, "loss 0.70\n")
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    result = run("good.ipynb")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*in this profile only errors and claims were looked at*"])


def test_two_notebooks_at_once_the_longest_first(pytester, good, folder, monkeypatch):
    short = stored(notebook("print(1)", "print(2)"), folder)
    for name in ("a_short", "b_long"):
        write(short, folder / f"{name}.ipynb")
    spoil(good, 1, "loss 0.70\n")
    monkeypatch.setattr(durations, "read", lambda: {"a_short.ipynb": 1, "b_long.ipynb": 9, "good.ipynb": 5})
    collected = pytester.runpytest_inprocess(
        *ARGUMENTS, "-p", "tests.regression.plugin", "--collect-only", "-q"
    )
    order = [line.split("::") for line in collected.outlines if "::" in line]
    assert list(dict.fromkeys(name for name, *_ in order)) == ["b_long.ipynb", "good.ipynb", "a_short.ipynb"]
    assert [cell for name, cell in order if name == "good.ipynb"] == [
        "Cell 0",
        "Cell 1",
        "Cell 2",
        "Sections",
    ]
    parallel = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", f"--kept-in={folder / 'kept'}")
    result = pytester.runpytest_inprocess(*ARGUMENTS, "-p", "tests.regression.plugin", *parallel)
    result.assert_outcomes(passed=8, failed=1, skipped=1)
    result.stdout.fnmatch_lines_random(["a_short.ipynb*", "b_long.ipynb*", "good.ipynb*FAILED"])
    assert (folder / "kept" / "good.html").exists()


def properties(**changes):
    cell = {
        "cell": 0,
        "seconds": 1.0,
        "cpu": 2.0,
        "prepares": False,
        "peak_mb": 100,
        "numbers": 1,
        "figures": 0,
    }
    cell |= {"tolerance": 0.01, "share": 0.2, "worst": "", "verdict": "passed", "kind": "", "compared": True}
    return {f"course_{name}": value for name, value in (cell | changes).items()}


def test_totals_of_a_notebook():
    cells = [
        properties(prepares=True, numbers=0, tolerance=None),
        properties(tolerance=0.03, share=0.5, peak_mb=300),
        properties(tolerance=0.01),
    ]
    totals = evidence.totals(cells)
    assert (totals["wall"], totals["cpu"], totals["budget"], totals["peak"]) == (3, 6, 4, 300)
    assert (totals["tolerance"], totals["share"], totals["nothing"]) == (0.02, 0.5, 1)


def test_the_slowest_notebook_stands_first():
    lines = evidence.table({"fast.ipynb": [properties()], "slow.ipynb": [properties(seconds=9.0)]})
    assert [line.split()[0] for line in lines[:3]] == ["notebook", "slow.ipynb", "fast.ipynb"]


def test_what_the_budget_does_not_count():
    assert evidence.prepares(code("import keras\nfrom course_utils import (\n    plot,\n)"))
    assert evidence.prepares(code("x = install()", "setup"))
    assert not evidence.prepares(code("import keras\nkeras.Model()"))


def test_the_page_of_a_failure_shows_pictures(folder):
    from tests.regression.execution import NotebookRun

    made = notebook(code("work()", outputs=(display(image_png="aaaa"),)))
    with NotebookRun(made, folder=folder) as run:
        run.cells[0].fail("figure", "<changed>")
        page = evidence.keep_failure(run, "one", folder / "kept").read_text()
    assert "data:image/png;base64,aaaa" in page
    assert "&lt;changed&gt;" in page
