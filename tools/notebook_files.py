"""Reading and writing notebook files so that nothing changes but what was meant to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser

ROOT = Path(__file__).resolve().parent.parent


def all_notebooks(root: Path = ROOT) -> list[Path]:
    """Return the course's notebooks in order."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def chosen_notebooks(names: list[str], root: Path = ROOT) -> list[Path]:
    """Return the notebooks that the command line names, or all of them.

    Parameters
    ----------
    names
        Paths, file names or beginnings of file names such as ``04``.
    root
        The checkout.

    Raises
    ------
    ValueError
        If a name fits no notebook or several.
    """
    if not names:
        return all_notebooks(root)
    return [_find(name, root) for name in names]


def choose(parser: ArgumentParser, names: list[str]) -> list[Path]:
    """Return the notebooks that the command line names, or end with a sentence that says what is wrong."""
    try:
        return chosen_notebooks(names)
    except ValueError as error:
        parser.error(str(error))


def _find(name: str, root: Path) -> Path:
    if Path(name).is_file():
        return Path(name).resolve()
    found = [path for path in all_notebooks(root) if path.name.startswith(Path(name).name)]
    if len(found) != 1:
        have = ", ".join(path.stem for path in (found or all_notebooks(root))) or "none"
        raise ValueError(f"{name} names {len(found)} notebooks, one is needed; there are: {have}")
    return found[0]


def dump(content: dict[str, Any]) -> str:
    """Return a notebook's text as the repository keeps it."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def source_lines(text: str) -> list[str]:
    """Return a cell's text as notebook files keep it: a list of lines with their ends."""
    return text.splitlines(keepends=True)


def cell_text(cell: dict[str, Any]) -> str:
    """Return a cell's text, whichever way the file keeps it."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)
