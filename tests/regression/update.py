"""Store the outputs of notebooks: `python -m tests.regression.update [NOTEBOOK ...]`, by default of all.

A notebook is run twice by the same path as in the tests, the second time with another number of threads.
Nothing is written when a cell raises, a claim fails, or the two runs differ by more than the tolerances. Only
outputs that left their tolerance are rewritten, and those whose source or plot style changed: differences in
git stay small.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from tests.regression import durations
from tests.regression.environment import ROOT, THREAD_SETTINGS, processors
from tests.regression.execution import COMPARED_PROFILE, RunResult, run_notebook
from tests.regression.figures import MIME_TYPE
from tests.regression.outputs import compare_outputs, normalise
from tests.regression.tags import TagError, read_tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

LARGEST = 2_000_000
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
VOLATILE = (
    (re.compile(r"\b0x[0-9a-fA-F]{8,}\b"), "a memory address"),
    (re.compile(r"\b\d{1,2}:\d{2}:\d{2}\b|\b20\d\d-\d\d-\d\d\b"), "a date or time"),
    (
        re.compile(r"(?<![\w./:-])/(?:home|root|tmp|usr|var|Users|opt|work|content)/\S+|\b[A-Z]:\\\S+"),
        "a path",
    ),
)


class RefusedError(RuntimeError):
    """The outputs must not be stored; the message says why."""


@dataclass
class Update:
    """What changed in a notebook.

    Attributes
    ----------
    notebook : NotebookNode
        The notebook with its new outputs.
    lines : list of str
        What was rewritten and why, for the reader.
    share : float
        Largest share of a tolerance used between the two runs.
    """

    notebook: NotebookNode
    lines: list[str] = field(default_factory=list)
    share: float = 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Update notebooks and return 0, or 1 when one was refused, or 2 when updates are not allowed here."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.regression.update", description=__doc__.splitlines()[0]
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks; without any, all in notebooks/")
    parser.add_argument(
        "--all-cells", action="store_true", help="rewrite every output, not only changed ones"
    )
    parser.add_argument("--timeout", type=float, default=600, help="seconds that one cell may take")
    options = parser.parse_args(arguments)
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        print("Outputs are never stored in CI: there they are checked. Run the update on your machine.")
        return 2
    profile = os.environ.get("COURSE_PROFILE", COMPARED_PROFILE)
    if profile != COMPARED_PROFILE:
        print(
            f"Stored outputs are those of profile {COMPARED_PROFILE}, but COURSE_PROFILE={profile}: unset it."
        )
        return 2
    refused = 0
    for path in options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb")):
        try:
            update_file(path, all_cells=options.all_cells, timeout=options.timeout)
        except RefusedError as reason:
            refused += 1
            print(f"{path.name}: not written: {reason}")
        except (OSError, ValueError) as error:
            refused += 1
            print(f"{path.name}: cannot be read as a notebook: {error}")
    return 1 if refused else 0


def update_file(path: Path, *, all_cells: bool = False, timeout: float = 600) -> None:
    """Run a notebook twice and store what changed.

    Parameters
    ----------
    path : Path
        The notebook.
    all_cells : bool
        Whether every output is rewritten.
    timeout : float
        Seconds that one cell may take.

    Raises
    ------
    RefusedError
        When a cell fails, the two runs differ, or an output must not be stored.
    """
    stored = nbformat.read(str(path), as_version=4)
    check_tags(stored)
    first = _run(path, timeout, threads=processors())
    second = _run(path, timeout, threads=1 if processors() > 1 else 2)
    changed = None if all_cells else changed_sources(path, stored)
    update = merge(stored, first.notebook, changed)
    update.share = compare_runs(first, second)
    text = _written(update.notebook)
    if len(text.encode()) > LARGEST:
        raise RefusedError(f"it would take {len(text.encode()) / 1e6:.1f} MB; a notebook stays under 2 MB")
    same = text == path.read_text(encoding="utf-8")
    if not same:
        _replace(path, text)
    if path.resolve().parent == ROOT / "notebooks":
        durations.store({path.name: first.usage.wall})
    print(f"{path.name}: {'unchanged' if same else 'written'}, {first.usage.cpu:.0f} CPU-seconds, ", end="")
    print(f"peak {first.usage.peak:.0f} MB, other threads used {update.share:.0%} of a tolerance")
    for line in update.lines:
        print(f"  {line}")


def check_tags(notebook: NotebookNode) -> None:
    """Raise `RefusedError` for a tag that cannot be granted."""
    for number, cell in enumerate(_code(notebook)):
        try:
            read_tolerance(cell)
        except TagError as error:
            raise RefusedError(f"cell {number}: {error}") from None


def compare_runs(first: RunResult, second: RunResult) -> float:
    """Return the largest share of a tolerance used between two runs; refuse them when they differ."""
    largest = 0.0
    for number, (old, new) in enumerate(zip(_code(first.notebook), _code(second.notebook), strict=True)):
        findings = compare_outputs(old.outputs, new.outputs, read_tolerance(old))
        if findings.differences:
            listed = "\n    ".join(map(str, findings.differences))
            raise RefusedError(
                f"cell {number} gives something else with another number of threads\n    {listed}"
            )
        largest = max(largest, findings.share)
    return largest


def merge(stored: NotebookNode, new: NotebookNode, changed: set[str] | None) -> Update:
    """Put new outputs into a notebook where the stored ones no longer hold.

    Parameters
    ----------
    stored : NotebookNode
        The notebook as it is.
    new : NotebookNode
        The same notebook executed.
    changed : set of str or None
        Ids of cells whose source changed; None rewrites all.

    Returns
    -------
    Update
        The notebook with cell ids and metadata kept, counts set to 1, 2, 3 ... and notebook metadata cleaned.

    Raises
    ------
    RefusedError
        When an output holds a path, a time or an address.
    """
    update = Update(deepcopy(stored))
    count = 0
    for number, (cell, fresh) in enumerate(zip(_code(update.notebook), _code(new), strict=True)):
        count += bool(cell.source.strip())
        cell.metadata.pop("execution", None)
        reason = _reason(cell, fresh, changed)
        if reason:
            refuse_volatile(fresh.outputs, number)
            cell.outputs = [_clean(output) for output in normalise(fresh.outputs)]
            update.lines += [f"cell {number}: {line}" for line in reason]
        cell.execution_count = count if cell.source.strip() else None
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    update.notebook.metadata = nbformat.from_dict(METADATA)
    return update


def changed_sources(path: Path, notebook: NotebookNode) -> set[str] | None:
    """Return the ids of cells whose source is not that of the last commit, None when that is not known."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    shown = subprocess.run(command, cwd=path.resolve().parent, capture_output=True, check=False)
    if shown.returncode:
        return None
    try:
        committed = nbformat.reads(shown.stdout.decode(), as_version=4)
    except (ValueError, nbformat.reader.NotJSONError):
        return None
    sources = {cell.get("id"): cell.source for cell in committed.cells}
    return {cell.id for cell in notebook.cells if sources.get(cell.id) != cell.source}


def refuse_volatile(outputs: Sequence[NotebookNode], number: int) -> None:
    """Raise `RefusedError` if an output holds what cannot be the same tomorrow or elsewhere."""
    for output in outputs:
        data = output.get("data", {})
        texts = [output.get("text", ""), output.get("evalue", ""), data.get("text/plain", "")]
        if MIME_TYPE not in data:
            texts.append(data.get("text/html", ""))
        for pattern, name in VOLATILE:
            found = pattern.search("\n".join(texts))
            if found:
                raise RefusedError(f"an output of cell {number} holds {name}: {found[0]!r}")


def _run(path: Path, timeout: float, threads: int) -> RunResult:
    environment = dict.fromkeys(THREAD_SETTINGS, str(threads))
    result = run_notebook(path, environment=environment, compare=False, timeout=timeout)
    if result.failure:
        raise RefusedError(
            f"cell {result.failure.number} failed with {threads} thread(s)\n{result.failure.message}"
        )
    return result


def _reason(cell: NotebookNode, fresh: NotebookNode, changed: set[str] | None) -> list[str]:
    """Return why a cell's outputs are rewritten, old -> new; nothing when they still hold."""
    findings = compare_outputs(cell.outputs, fresh.outputs, read_tolerance(cell))
    if findings.differences:
        if not cell.outputs:
            return ["stored for the first time"]
        return [f"{found.where}: {found.stored} → {found.new}" for found in findings.differences]
    if cell.outputs or fresh.outputs:
        if changed is None or cell.id in changed:
            return ["stored again, its source changed"] if cell.outputs != fresh.outputs else []
        if _styles(cell.outputs) != _styles(fresh.outputs):
            return ["drawn again, the plot style changed"]
    return []


def _styles(outputs: Sequence[NotebookNode]) -> list[Any]:
    contents = [output.data[MIME_TYPE] for output in outputs if MIME_TYPE in output.get("data", {})]
    return [frame.get("style") for content in contents for frame in content.get("frames", [content])]


def _clean(output: NotebookNode) -> NotebookNode:
    """Shorten an error's trace, which names files of this machine, to its last line."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    return output


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _written(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    mode = path.stat().st_mode
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
