"""Draws mutants of notebooks and of the helper package, the same ones for the same seed."""

from __future__ import annotations

import ast
import difflib
import hashlib
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.address import is_setup
from tools.mutation import Fault, faults, is_valid
from tools.notebook_files import ROOT, cell_text, dump, source_lines

# Every so many rounds a fault is drawn that changes words or layout only.
RARE = {"label": 4, "layout": 4}


@dataclass(frozen=True)
class Mutant:
    """One fault in one file.

    Attributes
    ----------
    path
        The file, relative to the repository.
    cell
        Place of the cell in a notebook, or -1 in a module.
    code
        The cell's or module's code without the fault.
    fault
        The fault.
    """

    path: str
    cell: int
    code: str
    fault: Fault

    @property
    def in_notebook(self) -> bool:
        """Whether this is a notebook's mutant and not the helper's."""
        return self.cell >= 0

    @property
    def mutated(self) -> str:
        """The code with the fault."""
        return self.fault.apply(self.code)

    @property
    def identity(self) -> str:
        """A name that stays as long as the cell, or the statement of the module, stays."""
        before, after = self._statement(self.code), self._statement(self.mutated)
        return hashlib.sha256("\0".join((self.path, before, after)).encode()).hexdigest()[:16]

    @property
    def where(self) -> str:
        """The place in words."""
        cell = f", cell {self.cell}" if self.in_notebook else ""
        return f"{self.path}{cell}, line {self.fault.line}"

    def diff(self) -> str:
        """Return the lines that differ."""
        lines = difflib.unified_diff(self.code.splitlines(), self.mutated.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))

    def write(self, checkout: Path) -> None:
        """Put the fault into a copy of the repository."""
        path = checkout / self.path
        if not self.in_notebook:
            path.write_text(self.mutated, encoding="utf-8")
            return
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"][self.cell]["source"] = source_lines(self.mutated)
        path.write_text(dump(notebook), encoding="utf-8")

    def _statement(self, code: str) -> str:
        if self.in_notebook:
            return code
        for statement in ast.parse(code).body:
            if statement.lineno <= self.fault.line <= statement.end_lineno:
                return ast.get_source_segment(code, statement) or code
        return code


def mutants(path: Path, root: Path, generator: random.Random) -> Iterator[Mutant]:
    """Yield the mutants of a file in an order that gives each kind of fault its turn.

    Parameters
    ----------
    path
        A notebook or a module.
    root
        The repository.
    generator
        Source of randomness.
    """
    name = path.relative_to(root).as_posix()
    by_operator: dict[str, list[Mutant]] = {}
    for place, code in codes(path):
        for fault in faults(code):
            by_operator.setdefault(fault.operator, []).append(Mutant(name, place, code, fault))
    for operator in sorted(by_operator):
        generator.shuffle(by_operator[operator])
    order = sorted(by_operator)
    generator.shuffle(order)
    for turn in itertools.count(1):
        if not any(by_operator.values()):
            return
        for operator in order:
            if turn % RARE.get(operator, 1) == 0 or not _common(by_operator):
                yield from _next_valid(by_operator[operator])


def _common(by_operator: dict[str, list[Mutant]]) -> bool:
    return any(left for operator, left in by_operator.items() if operator not in RARE)


def _next_valid(left: list[Mutant]) -> Iterator[Mutant]:
    while left:
        mutant = left.pop()
        if is_valid(mutant.code, mutant.fault):
            yield mutant
            return


def codes(path: Path) -> list[tuple[int, str]]:
    """Return the pieces of code that may get a fault: a module (place -1), or cells with their places.

    Parameters
    ----------
    path
        A module, or a notebook, of which the set-up cell is left out.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return [(-1, text)]
    return [
        (place, cell_text(cell))
        for place, cell in enumerate(json.loads(text)["cells"])
        if cell["cell_type"] == "code" and not is_setup(cell)
    ]


def quotas(
    notebooks: list[Path], modules: list[Path], sample: int, generator: random.Random
) -> dict[Path, int]:
    """Return how many mutants each file gets: half of the sample in notebooks, half in the helper.

    Parameters
    ----------
    notebooks, modules
        The files; one list may be empty, and then the other gets all.
    sample
        How many mutants in all.
    generator
        Says which files get one more where the numbers do not divide.
    """
    halves = [files for files in (notebooks, modules) if files]
    found: dict[Path, int] = {}
    for number, files in enumerate(halves):
        share = sample // len(halves) + (number < sample % len(halves))
        shuffled = generator.sample(files, len(files))
        for path in itertools.islice(itertools.cycle(shuffled), share):
            found[path] = found.get(path, 0) + 1
    return found


def modules(root: Path = ROOT) -> list[Path]:
    """Return the modules of the helper that have something to put a fault into."""
    return [path for path in sorted((root / "course_utils").rglob("*.py")) if faults(path.read_text("utf-8"))]
