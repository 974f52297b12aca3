"""Runs the notebooks in an environment like Google Colab's: another Python, older packages, no course_utils.

The set-up cell of each notebook must install the helper package from this checkout, change no other package,
and the stored outputs must come out again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.environments import UnavailableError, make_environment, require_index
from tools.notebook_files import ROOT, choose
from tools.notebook_run import run

FREEZE = ROOT / "tests" / "colab" / "requirements.txt"
ENVIRONMENT = ROOT / "build" / "colab"
VERSION = "3.13"
AT_A_TIME = 2
PACKAGE = "course-utils"


def overlay(base: Path, folder: Path) -> Path:
    """Make a fresh virtual environment on top of another and return its Python.

    What the notebook installs lands in the fresh one, so that every notebook finds the same environment.

    Parameters
    ----------
    base
        Python of the environment below.
    folder
        Where the fresh one is made.
    """
    below = _answer(base, "import sysconfig; print(sysconfig.get_path('purelib'))")
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / base.relative_to(base.parent.parent)
    site = Path(_answer(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (site / "colab.pth").write_text(below + "\n", encoding="utf-8")
    return python


def _answer(python: Path, code: str) -> str:
    return subprocess.run(
        [str(python), "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def installed(python: Path) -> dict[str, str]:
    """Return the packages of an environment with their versions, the first found where there are several."""
    code = (
        "import importlib.metadata as m, json; found = {}\n"
        "for d in m.distributions(): found.setdefault(d.name.lower().replace('_', '-'), d.version)\n"
        "print(json.dumps(found))"
    )
    return json.loads(_answer(python, code))


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return what a notebook did to the environment beyond adding the course's package.

    Parameters
    ----------
    before, after
        Packages with their versions.
    """
    found = [] if PACKAGE in after else [f"{PACKAGE} was not installed"]
    for name in sorted((before.keys() | after.keys()) - {PACKAGE}):
        if before.get(name) != after.get(name):
            found.append(f"{name}: {before.get(name, 'absent')} became {after.get(name, 'absent')}")
    return found


def copy_sources(folder: Path) -> Path:
    """Copy what the package is built from, so that building leaves nothing in the checkout."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "course_utils", folder / "course_utils", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def check(notebook: Path, base: Path) -> list[str]:
    """Run a notebook as on Colab and return what is wrong; nothing is good.

    Parameters
    ----------
    notebook
        The notebook.
    base
        Python of the environment like Colab's.
    """
    with tempfile.TemporaryDirectory(prefix="colab") as temporary:
        folder = Path(temporary)
        python = overlay(base, folder / "environment")
        content = folder / "content"
        content.mkdir()
        copy = Path(shutil.copy(notebook, content))
        before = installed(python)
        if PACKAGE in before:
            return [f"{PACKAGE} is there before the notebook has run"]
        environment = {
            "COURSE_KERNEL_PYTHON": str(python),
            "COURSE_SOURCE": str(copy_sources(folder / "checkout")),
            "PYTHONPATH": "",
        }
        outcome = run(copy, folder=content, environment=environment, keep_going=True)
        failures = outcome.failures or ([] if outcome.passed else [outcome.message])
        return failures + changes(before, installed(python))


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks two at a time; return 0 when all are right or the machine cannot tell."""
    parser = argparse.ArgumentParser(prog="python -m tools.colab", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="notebooks; without any, all of them")
    notebooks = choose(parser, parser.parse_args(arguments).notebooks)
    try:
        base = make_environment(ENVIRONMENT, VERSION, FREEZE.read_text(encoding="utf-8"))
        # The set-up cell needs the index as well: pip fetches what it builds the package with.
        require_index()
    except UnavailableError as reason:
        print(f"Skipped: {reason}, so nothing was run as on Colab.")
        return 0
    failed = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for notebook, wrong in zip(
            notebooks, pool.map(lambda path: check(path, base), notebooks), strict=True
        ):
            print(
                f"{notebook.name}: {'FAILED' if wrong else 'as stored; only course_utils was added'}",
                flush=True,
            )
            for sentence in wrong:
                print(f"  {sentence}")
            failed += bool(wrong)
    print(f"{len(notebooks) - failed} of {len(notebooks)} notebooks run as on Colab.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
