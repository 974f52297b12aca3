"""What every notebook of the course has in common; each function returns a sentence for what is missing."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from tools.address import Address, is_setup
from tools.notebook_files import ROOT, dump

LONGEST_CELL = 30
LARGEST_FILE = 2_000_000
EXERCISES = (3, 5)
OPENING = ("Question", "Goals", "Time", "Prerequisites")
CLOSING = ["Summary", "Exercises", "Sources"]
# What differs from one machine or day to another.
VOLATILE = {
    "a path": re.compile(r"(?<![\w./:-])/(?:home|root|tmp|usr|var|Users|opt|work|content)/\S+|\b[A-Z]:\\\S+"),
    "a date": re.compile(r"\b20\d\d-\d\d-\d\d\b"),
    "a time of day": re.compile(r"\b\d{1,2}:\d{2}:\d{2}\b"),
    "an address in memory": re.compile(r"\b0x[0-9a-fA-F]{8,}\b"),
}


def headings(notebook: NotebookNode, level: int) -> list[str]:
    """Return the headings of one level, outside code."""
    mark = "#" * level + " "
    return [
        line.removeprefix(mark).strip()
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith(mark)
    ]


def check_opening(notebook: NotebookNode, name: str, address: Address) -> list[str]:
    """Title with the file's number, badge, question, goals, time and prerequisites; set-up and imports."""
    first = notebook.cells[0]
    number = name[:2]
    found = []
    if first.cell_type != "markdown" or not re.match(rf"# {number} · \S", first.source):
        found.append(f"the first cell does not begin with `# {number} · Title`")
    if len(headings(notebook, 1)) != 1:
        found.append("there is not exactly one title")
    if address.badge(name) not in first.source.splitlines():
        found.append("the badge does not lead to this notebook's release: run `make address`")
    words = _before_code(notebook)
    found += [
        f"there is no **{word}** above the set-up cell"
        for word in OPENING
        if not re.search(rf"\*\*{word}\W", words)
    ]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not code or not is_setup(code[0]) or code[0].source != address.setup_cell():
        found.append("the first code cell is not the set-up cell: run `make address`")
    if sum(map(is_setup, notebook.cells)) > 1:
        found.append("there are several set-up cells")
    if len(code) > 1 and not _only_imports(code[1].source):
        found.append("the cell behind the set-up cell does not only import")
    return found


def _before_code(notebook: NotebookNode) -> str:
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            break
        texts.append(cell.source)
    return "\n".join(texts)


def _only_imports(source: str) -> bool:
    return all(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in ast.parse(source).body)


def check_sections(notebook: NotebookNode) -> list[str]:
    """Return whether sections are numbered from 1 in order and end in Summary, Exercises and Sources."""
    titles = headings(notebook, 2)
    found = []
    if titles[-3:] != CLOSING:
        found.append(f"the last sections are {titles[-3:]}, not {CLOSING}")
    numbered = titles[:-3]
    for number, title in enumerate(numbered, start=1):
        if not re.match(rf"{number} \S", title):
            found.append(f"section {number} is headed {title!r}, not `## {number} Title`")
    if not numbered:
        found.append("there is no numbered section")
    return found


def check_exercises(notebook: NotebookNode) -> list[str]:
    """Return whether each exercise has an empty answer above its solution and a check below it."""
    titles = [title for title in headings(notebook, 3) if title.startswith("Exercise")]
    found = []
    if not EXERCISES[0] <= len(titles) <= EXERCISES[1]:
        found.append(f"there are {len(titles)} exercises, not {EXERCISES[0]} to {EXERCISES[1]}")
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for number, title in enumerate(titles, start=1):
        if not re.match(rf"Exercise {number}\b", title):
            found.append(f"exercise {number} is headed {title!r}")
        wanted = re.compile(
            rf"^answer_{number} = None\b.*?^### BEGIN SOLUTION$.*?\banswer_{number}\b.*?^### END SOLUTION$"
            rf".*?\bcheck\(\s*[\"']exercise {number}[\"']",
            re.MULTILINE | re.DOTALL,
        )
        if not any(wanted.search(source) for source in cells):
            found.append(
                f"exercise {number} has no answer_{number} = None above a solution and a check below it"
            )
    return found


def check_code(notebook: NotebookNode) -> list[str]:
    """Return whether cells are short, import by name and carry no tag that exempts them from comparison."""
    found = []
    for number, cell in enumerate(_code(notebook)):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if len(lines) > LONGEST_CELL:
            found.append(f"code cell {number} has {len(lines)} lines, at most {LONGEST_CELL} are allowed")
        if re.search(r"^\s*from \S+ import \*", cell.source, re.MULTILINE):
            found.append(f"code cell {number} imports everything by a star")
        exempting = [
            tag for tag in cell.metadata.get("tags", []) if re.search(r"nbval|skip|ignore|raises", tag, re.I)
        ]
        if exempting or re.search(r"^\s*#\s*NBVAL", cell.source, re.MULTILINE):
            found.append(f"code cell {number} is exempt from comparison")
    return found


def check_outputs(notebook: NotebookNode) -> list[str]:
    """Return whether the stored outputs come from one run from top to bottom and fit any machine."""
    cells = _code(notebook)
    counts = [cell.execution_count for cell in cells if cell.source.strip()]
    found = []
    if counts != list(range(1, len(counts) + 1)):
        found.append("the cells were not run once each from top to bottom: run `make update`")
    for number, cell in enumerate(cells):
        for output in cell.outputs:
            found += [f"code cell {number}: {sentence}" for sentence in _check_output(output)]
    return found


def _check_output(output: NotebookNode) -> list[str]:
    if output.output_type == "error":
        return [f"raises {output.ename}"]
    if output.output_type == "stream" and output.name == "stderr":
        return ["writes to stderr"]
    data = output.get("data", {})
    found = []
    pictured = "image/png" in data and not output.metadata.get("image/png", {}).get("alt", "").strip()
    if pictured:
        found.append("a picture has no alternative text")
    texts = [output.get("text", "")]
    texts += [
        value if isinstance(value, str) else json.dumps(value)
        for kind, value in data.items()
        if kind.startswith("text/plain") or kind.endswith("json")
    ]
    for what, pattern in VOLATILE.items():
        match = next(filter(None, map(pattern.search, texts)), None)
        if match:
            found.append(f"shows {what}, {match[0]!r}")
    return found


def check_file(path: Path) -> list[str]:
    """Return whether the file is valid, small and written as the tools write it."""
    text = path.read_text(encoding="utf-8")
    found = []
    if len(text.encode()) >= LARGEST_FILE:
        found.append(f"the file takes {len(text.encode()) / 1e6:.1f} MB, it stays under 2 MB")
    if dump(json.loads(text)) != text:
        found.append("the file is not written as nbformat writes it: run `make address` or `make update`")
    try:
        nbformat.validate(nbformat.reads(text, as_version=4))
    except nbformat.ValidationError as error:
        found.append(f"the file is no valid notebook: {error.message}")
    return found


def check_readme(name: str, readme: str, address: Address) -> list[str]:
    """Return whether the README's table links the notebook and carries its badge."""
    rows = [line for line in readme.splitlines() if line.startswith("|") and f"](notebooks/{name})" in line]
    if len(rows) != 1:
        return [f"the README's table of lectures has {len(rows)} rows for it"]
    return [] if address.badge(name) in rows[0] else ["its badge in the README differs: run `make address`"]


def problems(path: Path, root: Path = ROOT) -> list[str]:
    """Return everything that a notebook's form lacks.

    Parameters
    ----------
    path
        The notebook.
    root
        The repository with its pyproject.toml and README.
    """
    from tests.regression.prose import check_summary

    address = Address.read(root)
    notebook: Any = nbformat.read(path, as_version=4)
    return [
        *check_file(path),
        *check_opening(notebook, path.name, address),
        *check_sections(notebook),
        *check_exercises(notebook),
        *check_code(notebook),
        *check_outputs(notebook),
        *check_readme(path.name, (root / "README.md").read_text(encoding="utf-8"), address),
        *check_summary(notebook),
    ]


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
