"""What a run leaves behind: properties in JUnit, a table at the end, and pages of what failed."""

from __future__ import annotations

import base64
import html
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from tests.regression.environment import ROOT
from tests.regression.outputs import normalise
from tests.regression.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbformat import NotebookNode

    from tests.regression.execution import CellResult, NotebookRun

BUILD = ROOT / "build" / "regression"
PREPARING_TAGS = {"setup", "imports"}
STYLE = """body{font-family:sans-serif;margin:1em}
table{border-collapse:collapse;width:100%;table-layout:fixed}
td,th{border:1px solid #999;vertical-align:top;padding:.4em;overflow:auto;text-align:left}
pre{white-space:pre-wrap;margin:0}img{max-width:100%}.failed{background:#fdd}.blocked{background:#eee}"""


def cell_properties(run: NotebookRun, result: CellResult) -> list[tuple[str, Any]]:
    """Return what is recorded about one cell; names start with "course_".

    Parameters
    ----------
    run : NotebookRun
        The run it belongs to.
    result : CellResult
        The cell's verdict.

    Returns
    -------
    list of (name, value)
        Plain values, so that they pass from a worker of pytest-xdist to the report.
    """
    findings = result.findings
    tolerance = statistics.median(findings.tolerances) if findings.tolerances else None
    return [
        ("course_cell", result.number),
        ("course_verdict", result.verdict),
        ("course_kind", result.kind),
        ("course_seconds", round(result.seconds, 3)),
        ("course_cpu", round(result.cpu, 3)),
        ("course_prepares", prepares(run.stored.cells[result.position])),
        ("course_numbers", findings.numbers),
        ("course_figures", findings.figures),
        ("course_share", round(findings.share, 4)),
        ("course_worst", findings.worst),
        ("course_tolerance", tolerance),
        ("course_peak_mb", round(result.peak)),
        ("course_compared", run.compared),
    ]


def prepares(cell: NotebookNode) -> bool:
    """Whether a cell only sets up or imports: the budget does not count it."""
    lines = [
        line for line in cell.source.splitlines() if line.strip() and not line.startswith((" ", "#", ")"))
    ]
    only_imports = bool(lines) and all(line.startswith(("import ", "from ")) for line in lines)
    return only_imports or bool(PREPARING_TAGS & set(cell.metadata.get("tags", [])))


def totals(cells: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return what is reported about a notebook from the properties of its cells.

    Parameters
    ----------
    cells : iterable of dict
        The properties of each cell by name.

    Returns
    -------
    dict
        wall and cpu seconds, budget (CPU seconds without set-up and imports), peak memory in MB, numbers,
        figures, median tolerance, largest share of a tolerance, and how many cells compare nothing.
    """
    cells = list(cells)
    tolerances = [cell["course_tolerance"] for cell in cells if cell["course_tolerance"] is not None]
    return {
        "wall": sum(cell["course_seconds"] for cell in cells),
        "cpu": sum(cell["course_cpu"] for cell in cells),
        "budget": sum(cell["course_cpu"] for cell in cells if not cell["course_prepares"]),
        "peak": max(cell["course_peak_mb"] for cell in cells),
        "cells": len(cells),
        "numbers": sum(cell["course_numbers"] for cell in cells),
        "figures": sum(cell["course_figures"] for cell in cells),
        "tolerance": statistics.median(tolerances) if tolerances else None,
        "share": max(cell["course_share"] for cell in cells),
        "nothing": sum(not (cell["course_numbers"] or cell["course_figures"]) for cell in cells),
        "failed": any(cell["course_verdict"] == "failed" for cell in cells),
        "compared": all(cell["course_compared"] for cell in cells),
    }


def table(notebooks: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the lines of the table at the end of a run, the slowest notebook first."""
    rows = sorted(
        ((totals(cells), name) for name, cells in notebooks.items()), key=lambda row: -row[0]["wall"]
    )
    width = max(len(name) for name in notebooks)
    head = f"{'notebook':<{width}}   wall    CPU budget  peak MB  cells  numbers figures  tolerance  used"
    lines = [f"{head}  comparing nothing"]
    for row, name in rows:
        tolerance = "-" if row["tolerance"] is None else f"{row['tolerance']:.1%}"
        lines.append(
            f"{name:<{width}} {row['wall']:5.1f}s {row['cpu']:5.1f}s {row['budget']:5.1f}s "
            f"{row['peak']:8.0f} {row['cells']:6d} {row['numbers']:8d} {row['figures']:7d} {tolerance:>10} "
            f"{row['share']:5.0%} {row['nothing']:6d}{'  FAILED' if row['failed'] else ''}"
        )
    if not all(row["compared"] for row, _ in rows):
        lines.append(
            "Outputs are stored for profile quick: in this profile only errors and claims were looked at."
        )
    worst = max(
        ((cell["course_share"], name, cell) for name, cells in notebooks.items() for cell in cells),
        key=lambda entry: entry[0],
    )
    if worst[0]:
        cell = worst[2]
        lines.append(
            f"largest share of a tolerance used: {worst[0]:.0%} in {worst[1]}, cell {cell['course_cell']}: "
            f"{cell['course_worst']}"
        )
    return lines


def write_shares(file: Path, notebooks: dict[str, list[dict[str, Any]]]) -> None:
    """Write the share of tolerance that each cell used as JSON.

    Parameters
    ----------
    file : Path
        Where to.
    notebooks : dict
        Properties of the cells by notebook.
    """
    names = {
        "share": "course_share",
        "worst": "course_worst",
        "verdict": "course_verdict",
        "kind": "course_kind",
    }
    report = {
        name: {
            str(cell["course_cell"]): {short: cell[key] for short, key in names.items() if cell[key] != ""}
            for cell in cells
        }
        for name, cells in sorted(notebooks.items())
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": 1, "notebooks": report}, indent=1) + "\n")


def keep_failure(run: NotebookRun, name: str, folder: Path = BUILD) -> Path:
    """Write the executed copy of a failed notebook, and a page with stored, new and verdict of each cell.

    Parameters
    ----------
    run : NotebookRun
        The run.
    name : str
        The notebook's name without its ending.
    folder : Path
        Where to.

    Returns
    -------
    Path
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(run.notebook, str(folder / f"{name}.executed.ipynb"))
    rows = [
        f'<tr class="{result.verdict}"><td><b>cell {result.number}: {result.verdict}</b>'
        f"<pre>{html.escape(plain(result.message))}</pre><hr><pre>{html.escape(stored.source)}</pre></td>"
        f"<td>{_shown(stored)}</td><td>{_shown(new) if result.verdict != 'blocked' else ''}</td></tr>"
        for result in run.cells
        for stored, new in [(run.stored.cells[result.position], run.notebook.cells[result.position])]
    ]
    page = folder / f"{name}.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><title>{html.escape(name)}</title><style>{STYLE}</style>"
        f"<h1>{html.escape(name)}</h1><table><tr><th>verdict<th>stored<th>new</tr>{''.join(rows)}</table>\n",
        encoding="utf-8",
    )
    return page


def remove_kept(name: str, folder: Path = BUILD) -> None:
    """Remove what an earlier failure of a notebook left behind."""
    for file in (folder / f"{name}.executed.ipynb", folder / f"{name}.html"):
        file.unlink(missing_ok=True)


def _shown(cell: NotebookNode) -> str:
    parts = []
    for output in normalise(cell.outputs):
        data = output.get("data", {})
        if "image/png" in data:
            alt = html.escape(str(output.get("metadata", {}).get("image/png", {}).get("alt", "")), quote=True)
            picture = "".join(data["image/png"].split())
            base64.b64decode(picture)
            parts.append(f'<img alt="{alt}" src="data:image/png;base64,{picture}">')
        elif output.output_type == "error":
            parts.append(f"<pre>{html.escape(plain(chr(10).join(output.traceback)))}</pre>")
        else:
            text = output.get("text", "") or data.get("text/plain", "")
            parts.append(f"<pre>{html.escape(plain(text))}</pre>")
    return "\n".join(parts)
