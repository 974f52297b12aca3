"""A notebook run cell by cell and compared with its stored outputs, for pytest, updates and mutants."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from tests.regression.environment import kernel_environment
from tests.regression.findings import Findings
from tests.regression.kernel import KernelError, NotebookKernel, Usage
from tests.regression.outputs import compare_outputs
from tests.regression.tags import TagError, read_tolerance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

COMPARED_PROFILE = "quick"


@dataclass
class CellResult:
    """What became of one code cell.

    Attributes
    ----------
    number : int
        Its number among the code cells, from 0 (as nbval counts).
    position : int
        Its place among all cells.
    verdict : str
        "passed", "failed" or "blocked".
    kind : str
        What noticed a failure: "number", "text", "figure", "claim", "error", "timeout", "dead" or "tag".
    message : str
        The failure in words.
    findings : Findings
        Differences, counts and used shares of tolerance.
    seconds, cpu, peak : float
        Wall and CPU seconds, and the kernel's peak of memory so far in MB.
    asked : bool
        Whether somebody asked for this cell, or only for one after it.
    """

    number: int
    position: int
    verdict: str = "passed"
    kind: str = ""
    message: str = ""
    findings: Findings = field(default_factory=Findings)
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    asked: bool = False

    def fail(self, kind: str, message: str) -> CellResult:
        """Turn this into a failure."""
        self.verdict, self.kind, self.message = "failed", kind, message
        return self


@dataclass
class RunResult:
    """What became of a notebook.

    Attributes
    ----------
    cells : list of CellResult
        One for each code cell, in order.
    notebook : NotebookNode
        The executed copy.
    usage : Usage
        Wall and CPU seconds within cells, peak of memory.
    compared : bool
        False in profiles whose outputs are not stored: then only errors fail.
    """

    cells: list[CellResult]
    notebook: NotebookNode
    usage: Usage
    compared: bool

    @property
    def failure(self) -> CellResult | None:
        """The first cell that failed."""
        return next((cell for cell in self.cells if cell.verdict == "failed"), None)

    @property
    def passed(self) -> bool:
        """Whether no cell failed."""
        return self.failure is None

    @property
    def share(self) -> float:
        """The largest share of a tolerance that any cell used."""
        return max((cell.findings.share for cell in self.cells), default=0.0)


class NotebookRun:
    """A notebook in the middle of its run.

    Parameters
    ----------
    source : path or NotebookNode
        The notebook with its stored outputs; it is not changed.
    folder : path, optional
        Where the kernel starts; by default the notebook's own folder.
    environment : mapping of str to str, optional
        Changes to `kernel_environment()`.
    compare : bool, optional
        Whether outputs are compared; by default only in profile quick.
    timeout : float
        Seconds that one cell may take.
    keep_going : bool
        Whether cells after a difference are run. After an error they never are.
    """

    def __init__(
        self,
        source: str | Path | NotebookNode,
        *,
        folder: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        compare: bool | None = None,
        timeout: float = 600,
        keep_going: bool = False,
    ) -> None:
        is_path = isinstance(source, str | Path)
        self.stored = nbformat.read(str(source), as_version=4) if is_path else source
        self.notebook = deepcopy(self.stored)
        self.folder = Path(folder or (Path(source).resolve().parent if is_path else Path.cwd()))
        self.environment = kernel_environment(environment)
        profile = self.environment["COURSE_PROFILE"]
        self.compared = profile == COMPARED_PROFILE if compare is None else compare
        self.timeout = timeout
        self.keep_going = keep_going
        self.positions = [place for place, cell in enumerate(self.stored.cells) if cell.cell_type == "code"]
        self.cells = [CellResult(number, place) for number, place in enumerate(self.positions)]
        self.blocker: CellResult | None = None
        self.started = 0.0
        self._kernel: NotebookKernel | None = None
        self._next = 0

    def __enter__(self) -> NotebookRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def usage(self) -> Usage:
        """What the kernel has used so far."""
        return self._kernel.usage if self._kernel else Usage()

    def run_cell(self, number: int) -> CellResult:
        """Run a code cell and, before it, those of its predecessors that have not been run.

        Parameters
        ----------
        number : int
            Its number among the code cells, from 0.

        Returns
        -------
        CellResult
            Its verdict; "blocked" when an earlier cell failed.
        """
        while self._next <= number:
            result = self.cells[self._next]
            self._next += 1
            if self.blocker:
                result.verdict, result.message = "blocked", f"blocked by cell {self.blocker.number}"
                continue
            self._run(result)
            # A predecessor that nobody asked for blocks by an error, but not by a difference.
            stops = result.kind in ("error", "claim", "timeout", "dead")
            if result.verdict == "failed" and (stops or (result.number == number and not self.keep_going)):
                self.blocker = result
        return self.cells[number]

    def result(self) -> RunResult:
        """Return what became of the notebook so far."""
        return RunResult(self.cells, self.notebook, self.usage, self.compared)

    def close(self) -> None:
        """Stop the kernel."""
        if self._kernel:
            self._kernel.close()

    def _run(self, result: CellResult) -> None:
        stored = self.stored.cells[result.position]
        try:
            tolerance = read_tolerance(stored)
        except TagError as error:
            result.fail("tag", str(error))
            tolerance = None
        used = deepcopy(self.usage)
        try:
            self._running_kernel().execute(result.position)
        except KernelError as error:
            result.fail(error.kind, f"{error}\n{error.traceback}".rstrip())
            return
        finally:
            now = self.usage
            result.seconds, result.cpu, result.peak = now.wall - used.wall, now.cpu - used.cpu, now.peak
        if tolerance is None or not self.compared:
            return
        new = self.notebook.cells[result.position]
        if stored.execution_count is None and new.execution_count is not None:
            result.fail("text", "the cell has no stored outputs: run `make update`")
            return
        result.findings = compare_outputs(stored.outputs, new.outputs, tolerance)
        differences = result.findings.differences
        if differences:
            result.fail(differences[0].kind, "\n".join(map(str, differences)))

    def _running_kernel(self) -> NotebookKernel:
        if self._kernel is None:
            self.started = time.perf_counter()
            self._kernel = NotebookKernel(self.notebook, self.folder, self.environment, self.timeout)
            self._kernel.start()
        return self._kernel


def run_notebook(
    path_or_node: str | Path | NotebookNode,
    *,
    environment: Mapping[str, str] | None = None,
    stop_at_first_difference: bool = True,
    **options: Any,
) -> RunResult:
    """Run a whole notebook and compare it with its stored outputs.

    Parameters
    ----------
    path_or_node : path or NotebookNode
        The notebook; it is not changed.
    environment : mapping of str to str, optional
        Changes to `kernel_environment()`, for example `PYTHONPATH` of another checkout.
    stop_at_first_difference : bool
        Whether the run ends at the first difference. At an error it always ends.
    **options
        Further ones of `NotebookRun`: folder, compare, timeout.

    Returns
    -------
    RunResult
        Verdicts of all code cells.
    """
    run = NotebookRun(
        path_or_node, environment=environment, keep_going=not stop_at_first_difference, **options
    )
    with run:
        for cell in run.cells:
            run.run_cell(cell.number)
            if run.blocker:
                break
        if run.blocker:
            run.run_cell(len(run.cells) - 1)
        return run.result()
