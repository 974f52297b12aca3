"""A notebook's sections: each that computes must show something that is compared."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.regression.figures import MIME_TYPE
from tests.regression.outputs import PICTURES, normalise
from tests.regression.text import split, strip_html

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Exercises are left open on purpose; their answers are checked in their cells.
OPEN = {"exercises"}
PREPARING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)


@dataclass
class Section:
    """What stands between one `## ` heading and the next.

    Attributes
    ----------
    title : str
        The heading, "" before the first.
    cells : list of NotebookNode
        All cells, the one with the heading first.
    """

    title: str
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def computes(self) -> bool:
        """Whether a cell does more than import, define and set up."""
        return any(is_computing(cell) for cell in self.cells)

    @property
    def compared(self) -> int:
        """How many stored numbers and figures there are to compare."""
        return sum(count_compared(cell) for cell in self.cells if cell.cell_type == "code")


def sections(notebook: NotebookNode) -> list[Section]:
    """Return the sections of a notebook in order."""
    found = [Section("")]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = [line[3:].strip() for line in cell.source.splitlines() if line.startswith("## ")]
            if titles:
                found.append(Section(titles[0]))
        found[-1].cells.append(cell)
    return found


def check_sections(notebook: NotebookNode) -> list[str]:
    """Return a sentence for each section that computes something and shows nothing to compare."""
    if not any(cell.get("outputs") for cell in notebook.cells):
        return ["no outputs are stored: run `make update`"]
    return [
        f"section {section.title!r} computes, but none of its cells shows a number or a figure to compare"
        for section in sections(notebook)
        if section.title and section.title.lower() not in OPEN and section.computes and not section.compared
    ]


def is_computing(cell: NotebookNode) -> bool:
    """Whether a cell's code does more than import, define and set up."""
    if cell.cell_type != "code" or "setup" in cell.metadata.get("tags", []):
        return False
    lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        statements = ast.parse("\n".join(lines)).body
    except SyntaxError:
        return True
    return any(not isinstance(statement, PREPARING) and not _is_word(statement) for statement in statements)


def count_compared(cell: NotebookNode) -> int:
    """Return how many numbers and figures a cell's stored outputs hold."""
    count = 0
    for output in normalise(cell.outputs):
        data = output.get("data", {})
        if {MIME_TYPE, *PICTURES} & set(data):
            count += 1
        elif output.output_type == "stream":
            count += len(split(output.text)[1])
        else:
            count += len(split(strip_html(data.get("text/html", "")) or data.get("text/plain", ""))[1])
    return count


def _is_word(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
