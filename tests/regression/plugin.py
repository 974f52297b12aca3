"""The pytest plugin: nbval collects the cells of notebooks, this runs and compares them.

`pytest notebooks --nbval` checks notebooks; without `--nbval` none is collected.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.regression import durations, evidence
from tests.regression.execution import NotebookRun
from tests.regression.sections import check_sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.regression.execution import CellResult


class CellFailure(Exception):  # noqa: N818 - a verdict about a notebook, not an error of this program
    """A cell did not do what its notebook says."""


class NotebookFile(IPyNbFile):
    """A notebook as nbval collects it, with its kernel kept over all its cells."""

    run: NotebookRun | None = None

    def setup(self) -> None:
        """Do nothing: the kernel starts with the first cell."""

    def collect(self) -> Iterator[pytest.Item]:
        """Collect the cells, and one item that looks at the notebook as a whole."""
        yield from super().collect()
        yield NotebookSections.from_parent(self, name="Sections")

    def running(self) -> NotebookRun:
        """Return the run of this notebook, started when first asked for."""
        if self.run is None:
            self.run = NotebookRun(
                self.path,
                timeout=self.config.option.nbval_cell_timeout,
                keep_going=self.config.option.keep_going,
            )
        return self.run

    def teardown(self) -> None:
        """Stop the kernel and keep what shows a failure."""
        if self.run is None:
            return
        self.run.close()
        folder = Path(self.config.option.kept_in or evidence.BUILD)
        if self.run.result().passed:
            evidence.remove_kept(self.path.stem, folder)
        else:
            evidence.keep_failure(self.run, self.path.stem, folder)


class NotebookCell(IPyNbCell):
    """A code cell as nbval collects it, run by nbclient and compared with tolerance."""

    def setup(self) -> None:
        """Do nothing: nbval would expect failures after a time-out; here they are reported as blocked."""

    def runtest(self) -> None:
        """Run the cell, and before it those of its predecessors that have not been run."""
        run = self.parent.running()
        result = run.run_cell(self.cell_num)
        self._hold_to_limit(result)
        self.user_properties.append(("course_notebook", self.path.name))
        self.user_properties.extend(evidence.cell_properties(run, result))
        if result.verdict == "blocked":
            if run.blocker and not run.blocker.asked:
                raise CellFailure(f"{result.message}, which it needs:\n{run.blocker.message}")
            pytest.skip(result.message)
        if result.verdict == "failed":
            raise CellFailure(result.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """Say what differs, and show the cell."""
        if not isinstance(excinfo.value, CellFailure):
            return super(IPyNbCell, self).repr_failure(excinfo)
        return f"{self.path.name}, cell {self.cell_num}: {excinfo.value}\n\nThe cell:\n{self.cell.source}"

    def _hold_to_limit(self, result: CellResult) -> None:
        limit = self.config.option.share_limit
        share = result.findings.share
        if limit is not None and share > limit and result.verdict == "passed":
            message = (
                f"{result.findings.worst} used {share:.0%} of its tolerance; at most {limit:.0%} is wanted"
            )
            result.fail("share", message)


class NotebookSections(pytest.Item):
    """Every section that computes shows something to compare."""

    def runtest(self) -> None:
        """Look at the stored outputs; no kernel is needed."""
        sentences = check_sections(self.parent.nb)
        if sentences:
            raise CellFailure("\n".join(sentences))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """Say which sections show nothing."""
        if isinstance(excinfo.value, CellFailure):
            return f"{self.path.name}: {excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name this item in reports."""
        return self.path, 0, f"{self.path.name}::Sections"


class Collected:
    """Gathers the properties of all cells, whichever worker ran them.

    Parameters
    ----------
    config : pytest.Config
        The configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.notebooks: dict[str, list[dict[str, Any]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the properties of a cell from its report."""
        properties = dict(report.user_properties)
        if report.when == "call" and "course_notebook" in properties:
            self.notebooks.setdefault(properties["course_notebook"], []).append(properties)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table of notebooks."""
        if not self.notebooks:
            return
        terminalreporter.section("notebooks")
        for line in evidence.table(self.notebooks):
            terminalreporter.line(line)
        over = self.over_budget()
        for sentence in over:
            terminalreporter.line(sentence, red=True)
        if any(evidence.totals(cells)["failed"] for cells in self.notebooks.values()):
            folder = self.config.option.kept_in or evidence.BUILD
            terminalreporter.line(f"What failed is kept in {folder}: stored and new side by side.")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files that were asked for, and fail a run over its budget."""
        option = self.config.option
        if option.share_report:
            evidence.write_shares(Path(option.share_report), self.notebooks)
        if option.store_durations:
            walls = {name: evidence.totals(cells)["wall"] for name, cells in self.notebooks.items()}
            durations.store(walls)
        if self.over_budget() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def over_budget(self) -> list[str]:
        """Return a sentence for each notebook that used more CPU seconds than `--budget` allows."""
        budget = self.config.option.budget
        if budget is None:
            return []
        used = {name: evidence.totals(cells)["budget"] for name, cells in self.notebooks.items()}
        return [
            f"{name} used {seconds:.0f} CPU-seconds after its imports; its budget is {budget:g}"
            for name, seconds in used.items()
            if seconds > budget
        ]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this plugin."""
    group = parser.getgroup("course", "outputs of notebooks, with tolerance")
    group.addoption(
        "--share-limit", type=float, help="fail a cell that uses more than this share of a tolerance"
    )
    group.addoption(
        "--share-report", metavar="FILE", help="write the share of tolerance each cell used as JSON"
    )
    group.addoption(
        "--keep-going", action="store_true", help="after a difference, run the notebook's other cells"
    )
    group.addoption("--budget", type=float, help="CPU-seconds that a notebook may use after its imports")
    group.addoption("--store-durations", action="store_true", help="store how long each notebook takes")
    group.addoption("--kept-in", metavar="FOLDER", help="where to keep what failed (build/regression)")


def pytest_configure(config: pytest.Config) -> None:
    """Gather evidence in the process that prints the report."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collected(config), "course-collected")


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Turn nbval's notebooks into this plugin's."""
    if type(collector) is IPyNbFile:
        collector.__class__ = NotebookFile


def pytest_itemcollected(item: pytest.Item) -> None:
    """Turn nbval's cells into this plugin's."""
    if type(item) is IPyNbCell:
        item.__class__ = NotebookCell


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest notebook first, so that two workers finish together; other tests keep their places."""
    seconds = durations.read()
    places = [place for place, item in enumerate(items) if isinstance(item, NotebookCell | NotebookSections)]
    notebooks = sorted((items[place] for place in places), key=lambda item: _first_longest(item, seconds))
    for place, item in zip(places, notebooks, strict=True):
        items[place] = item


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which cells were asked for: a predecessor that was not must speak through the one that was."""
    if isinstance(item, NotebookCell):
        item.parent.running().cells[item.cell_num].asked = True


def _first_longest(item: pytest.Item, seconds: dict[str, float]) -> tuple[float, str]:
    # An unknown notebook may be long: it goes first. Sorting keeps the order of a notebook's cells.
    return -seconds.get(item.path.name, float("inf")), str(item.path)
