"""Copies of the notebooks without solutions, for students.

``python -m tools.student [NB ...]`` writes them to build/student; ``--check`` also runs them and sees that
each open exercise answers with a hint and nothing with a stack trace.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.regression.environment import kernel_environment
from tests.regression.kernel import KernelError, NotebookKernel
from tools.address import PICTURE
from tools.notebook_files import ROOT, choose

FOLDER = ROOT / "build" / "student"
STUB = "# your answer here"
MARK = "BEGIN SOLUTION"


def student_copy(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without solutions and outputs, its exercises uncollapsed.

    Parameters
    ----------
    notebook
        The lecturer's notebook; it is changed and must not be used afterwards.

    Raises
    ------
    ValueError
        If a solution has no end or begins twice.
    """
    from nbgrader.preprocessors import ClearSolutions

    open_exercises = [cell for cell in notebook.cells if MARK in cell.source]
    clear = ClearSolutions(
        enforce_metadata=False,
        code_stub={"python": STUB},
        text_stub="*Your answer here.*",
        begin_solution_delimeter=f"### {MARK}",
        end_solution_delimeter="### END SOLUTION",
    )
    clear.log.setLevel(logging.CRITICAL)
    try:
        notebook, _ = clear.preprocess(notebook, {})
    except RuntimeError as error:
        raise ValueError(f"the solutions cannot be taken out: {error}") from None
    for cell in open_exercises:
        _uncollapse(cell)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            # The badge would open the notebook with its solutions.
            lines = [line for line in cell.source.splitlines() if PICTURE not in line]
            cell.source = "\n".join(lines).replace("\n\n\n", "\n\n")
    return notebook


def _uncollapse(cell: NotebookNode) -> None:
    for name in ("cellView", "collapsed"):
        cell.metadata.pop(name, None)
    jupyter = cell.metadata.get("jupyter", {})
    for name in ("source_hidden", "outputs_hidden"):
        jupyter.pop(name, None)
    if not jupyter:
        cell.metadata.pop("jupyter", None)
    tags = [tag for tag in cell.metadata.get("tags", []) if tag != "solution"]
    cell.metadata.pop("tags", None)
    if tags:
        cell.metadata["tags"] = tags


def write_copy(path: Path, folder: Path = FOLDER) -> Path:
    """Write the student's copy of a notebook and return where it is."""
    copy = student_copy(nbformat.read(path, as_version=4))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    nbformat.write(copy, target)
    return target


def problems(original: Path, copy: Path) -> list[str]:
    """Run a student's copy and return what a student should not meet.

    Parameters
    ----------
    original
        The lecturer's notebook, which says where the exercises are.
    copy
        The copy, which is run in its own folder without ``COURSE_STRICT``.

    Returns
    -------
    list of str
        A sentence for each cell that raises and each open exercise that gives no hint.
    """
    exercises = [
        place
        for place, cell in enumerate(nbformat.read(original, as_version=4).cells)
        if cell.cell_type == "code" and MARK in cell.source
    ]
    notebook = nbformat.read(copy, as_version=4)
    environment = kernel_environment()
    environment.pop("COURSE_STRICT", None)
    found = [] if exercises else ["there is no exercise with a solution"]
    with NotebookKernel(notebook, copy.parent, environment) as kernel:
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            try:
                kernel.execute(place)
            except KernelError as error:
                found.append(f"cell {place} raises: {error}")
                if error.kind in ("dead", "timeout"):
                    break
                continue
            printed = "".join(output.get("text", "") for output in cell.outputs)
            if place in exercises and "check(" in cell.source and "Hint:" not in printed:
                found.append(f"cell {place} is an open exercise and gives no hint: {printed.strip()!r}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write the copies, run them if asked to, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.student", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="notebooks; without any, all of them")
    parser.add_argument("--check", action="store_true", help="run the copies as a student would")
    options = parser.parse_args(arguments)
    failed = False
    try:
        for path in choose(parser, options.notebooks):
            target = write_copy(path)
            print(f"written: {target.relative_to(ROOT)}")
            found = problems(path, target) if options.check else []
            for sentence in found:
                print(f"  {sentence}")
            if options.check and not found:
                print("  runs through; every open exercise gives its hint")
            failed = failed or bool(found)
    except ValueError as error:
        print(f"No copy was written: {error}")
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
