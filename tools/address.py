"""Writes the repository's address and release, kept in pyproject.toml, wherever else they are needed.

``python -m tools.address`` rewrites the badge and the set-up cell of every notebook and the addresses in the
README; ``--check`` only reports what does not agree; ``--set URL`` changes the address first.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import setup_cell
from tools.notebook_files import ROOT, all_notebooks, cell_text, dump, source_lines

COLAB = "https://colab.research.google.com"
PICTURE = f"{COLAB}/assets/colab-badge.svg"
TEXTS = ("README.md", "CONTRIBUTING.md")
_TARGET = re.compile(rf"{re.escape(COLAB)}/github/[^\s)]*?/notebooks/(?P<name>[^\s)/]+\.ipynb)")
_BADGE = re.compile(rf"\[!\[[^\]]*\]\({re.escape(PICTURE)}\)\]\([^)]*\)")
_CLONE = re.compile(r"(?<=git clone )https?://\S+?(?=[\s`]|$)", re.MULTILINE)
_ACCEPTED = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Address:
    """Where the course lives.

    Attributes
    ----------
    repository
        Such as ``https://github.com/owner/name``.
    release
        The tag that Colab installs and that badges open.
    """

    repository: str
    release: str

    @classmethod
    def read(cls, root: Path = ROOT) -> Address:
        """Read pyproject.toml."""
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return cls(accepted(project["urls"]["Repository"]), f"v{project['version']}")

    def target(self, name: str) -> str:
        """Return the link that opens a notebook in Colab."""
        place = self.repository.removeprefix("https://github.com/")
        return f"{COLAB}/github/{place}/blob/{self.release}/notebooks/{name}"

    def badge(self, name: str) -> str:
        """Return the line of Markdown that shows a notebook's badge."""
        return f"[![Open in Colab]({PICTURE})]({self.target(name)})"

    def setup_cell(self) -> str:
        """Return the text of the set-up cell."""
        return setup_cell.source(self.repository, self.release)


def accepted(url: str) -> str:
    """Return the address in its plain form.

    Raises
    ------
    ValueError
        If Colab could not open it: only addresses on GitHub have badges.
    """
    plain = url.strip().removesuffix("/").removesuffix(".git")
    if not _ACCEPTED.fullmatch(plain):
        raise ValueError(f"the address is to look like https://github.com/OWNER/NAME, not {url!r}")
    return plain


def set_address(url: str, root: Path = ROOT) -> None:
    """Write the repository's address into pyproject.toml."""
    path = root / "pyproject.toml"
    line = re.compile(r'^(Repository\s*=\s*)"[^"]*"', re.MULTILINE)
    text, count = line.subn(rf'\g<1>"{accepted(url)}"', path.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"pyproject.toml has {count} lines `Repository = …`, one is needed")
    path.write_text(text, encoding="utf-8")


def rewrite_notebook(text: str, name: str, address: Address) -> str:
    """Return a notebook's text with its badge and set-up cell in agreement with the address.

    Parameters
    ----------
    text
        The file's content.
    name
        The file's name, to which its badge leads.
    address
        Where the course lives.
    """
    notebook = json.loads(text)
    changed = False
    for cell in notebook["cells"]:
        old = cell_text(cell)
        new = address.setup_cell() if is_setup(cell) else old
        if cell["cell_type"] == "markdown":
            new = _BADGE.sub(lambda _: address.badge(name), old)
        if new != old:
            cell["source"] = source_lines(new)
            changed = True
    return dump(notebook) if changed else text


def rewrite_text(text: str, address: Address) -> str:
    """Return the text of a page with its badges and clone commands in agreement with the address."""
    text = _TARGET.sub(lambda found: address.target(found["name"]), text)
    return _CLONE.sub(lambda _: address.repository, text)


def is_setup(cell: dict[str, Any]) -> bool:
    """Return whether this is the set-up cell."""
    return cell["cell_type"] == "code" and setup_cell.TAG in cell["metadata"].get("tags", [])


def disagreements(root: Path = ROOT) -> dict[Path, str]:
    """Return the files that do not agree with pyproject.toml, each with the text that would."""
    address = Address.read(root)
    rewritten = {}
    for path in all_notebooks(root):
        text = path.read_text(encoding="utf-8")
        rewritten[path] = (text, rewrite_notebook(text, path.name, address))
    for path in (root / name for name in TEXTS):
        if path.exists():
            text = path.read_text(encoding="utf-8")
            rewritten[path] = (text, rewrite_text(text, address))
    return {path: new for path, (old, new) in rewritten.items() if new != old}


def main(arguments: list[str] | None = None) -> int:
    """Rewrite, or with ``--check`` report; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.address", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="report and change nothing")
    parser.add_argument("--set", metavar="URL", help="write this address into pyproject.toml first")
    options = parser.parse_args(arguments)
    if options.check and options.set:
        parser.error("--check changes nothing, so it does not go with --set")
    try:
        if options.set:
            set_address(options.set)
        differing = disagreements()
    except ValueError as error:
        print(f"Nothing was changed: {error}.")
        return 2
    for path, text in differing.items():
        if not options.check:
            path.write_text(text, encoding="utf-8")
        print(f"{'does not agree' if options.check else 'rewritten'}: {path.relative_to(ROOT)}")
    address = Address.read()
    print(f"{address.repository} at {address.release}: {len(differing)} files differed from pyproject.toml.")
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
