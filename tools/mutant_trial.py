"""Tries one mutant: puts it into a copy of the repository and sees what notices it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools.mutant_sample import Mutant
from tools.notebook_files import ROOT, all_notebooks, cell_text
from tools.notebook_run import THREADS, run, run_within

CACHE = ROOT / "build" / "mutants"
COPIED = ("course_utils", "notebooks", "tests", "tools", "data")
FILES = ("conftest.py", "pyproject.toml", "README.md")
# What a run ends with that only raises: it says nothing about tolerances.
RAISES = ("error", "timeout", "dead")
# Several times the normal time; a mutant that takes longer is taken to be endless.
PATIENCE, GRACE = 5, 60
UNIT_TESTS_AT_MOST = 900
ONE_THREAD = dict.fromkeys(THREADS, "1")


@dataclass
class Verdict:
    """What became of a mutant.

    Attributes
    ----------
    status
        "noticed", "survived", "raised" (which does not count) or "equivalent".
    by
        What noticed it: "number", "text", "figure", "claim" or "unit test".
    where
        The notebook or test that noticed.
    message
        Its words, short.
    seconds
        How long the trial took.
    """

    status: str
    by: str = ""
    where: str = ""
    message: str = ""
    seconds: float = 0.0


@contextmanager
def copy_of_checkout(root: Path = ROOT) -> Iterator[Path]:
    """Give a temporary copy of what running notebooks and tests needs."""
    with tempfile.TemporaryDirectory(prefix="mutant") as temporary:
        target = Path(temporary)
        ignore = shutil.ignore_patterns("__pycache__", "tfds", ".ipynb_checkpoints")
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, target / name, ignore=ignore)
        for name in FILES:
            if (root / name).exists():
                shutil.copy(root / name, target)
        yield target


def digest(*folders: str, root: Path = ROOT) -> str:
    """Return a digest of the Python and notebook files in these folders or of single files."""
    found = hashlib.sha256()
    for name in folders:
        path = root / name
        files = [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.ipynb")])
        for file in files:
            found.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return found.hexdigest()


def cached(key: str, compute: Callable[[], Verdict], folder: Path = CACHE) -> Verdict:
    """Return the verdict kept under a key, or compute and keep it."""
    file = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if file.exists():
        return Verdict(**json.loads(file.read_text(encoding="utf-8")))
    verdict = compute()
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(verdict)), encoding="utf-8")
    return verdict


def run_tests(tests: list[str], checkout: Path, timeout: float = UNIT_TESTS_AT_MOST) -> Verdict:
    """Run unit tests up to the first that fails.

    Parameters
    ----------
    tests
        Files, relative to the checkout.
    checkout
        The copy of the repository.
    timeout
        Seconds.
    """
    if not tests:
        return Verdict("survived")
    report = checkout / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(checkout)}
    code, text = run_within([*command, *tests], checkout, environment, timeout)
    if code in (0, 5):
        return Verdict("survived")
    if code is None:
        return Verdict("raised", message="the unit tests did not end")
    if not report.exists():
        return Verdict("raised", message=text.strip()[-500:])
    return _first_failure(report)


def _first_failure(report: Path) -> Verdict:
    for case in ElementTree.parse(report).iter("testcase"):
        where = f"{case.get('classname')}::{case.get('name')}"
        failure = case.find("failure")
        if failure is not None:
            message = failure.get("message", "")
            asserts = re.match(r"assert\b|AssertionError|[\w.]*ClaimError|Failed:", message)
            return Verdict("noticed" if asserts else "raised", "unit test", where, message[:300])
        if case.find("error") is not None:
            return Verdict("raised", "unit test", where, case.find("error").get("message", "")[:300])
    return Verdict("raised", message="the unit tests failed without a report")


def run_notebook_in(checkout: Path, name: str, timeout: float) -> Verdict:
    """Run a notebook of a copy of the repository up to its first difference."""
    outcome = run(checkout / "notebooks" / name, checkout=checkout, environment=ONE_THREAD, timeout=timeout)
    if outcome.passed:
        return Verdict("survived", seconds=outcome.seconds)
    status = "raised" if outcome.kind in RAISES else "noticed"
    where = f"{name}, cell {outcome.cell}"
    return Verdict(status, outcome.kind, where, outcome.message[:300], outcome.seconds)


def control(name: str, root: Path = ROOT) -> Verdict:
    """Run a notebook without a fault: its verdict is to be "survived", and says how long it takes."""

    def compute() -> Verdict:
        with copy_of_checkout(root) as checkout:
            return run_notebook_in(checkout, name, 3600)

    return cached(
        f"control {name} {digest(f'notebooks/{name}', 'course_utils', 'tests/regression')}", compute
    )


def control_tests(module: str, root: Path = ROOT) -> Verdict:
    """Run a module's unit tests without a fault."""

    def compute() -> Verdict:
        with copy_of_checkout(root) as checkout:
            return run_tests(unit_tests(module, root), checkout)

    return cached(f"control {module} {digest('course_utils', *unit_tests(module, root))}", compute)


def unit_tests(module: str, root: Path = ROOT) -> list[str]:
    """Return the files with a module's unit tests.

    Parameters
    ----------
    module
        Such as ``course_utils/plot/lines.py``: files named after ``plot``, or else those that name it.
    """
    parts = [part.removesuffix(".py") for part in module.split("/")[1:]]
    subject = next((part for part in parts if part != "__init__"), "course_utils")
    named = sorted((root / "tests").glob(f"test_{subject}*.py"))
    if not named:
        mention = re.compile(rf"\b{re.escape(subject)}\b")
        named = [
            path
            for path in sorted((root / "tests").rglob("test_*.py"))
            if mention.search(path.read_text("utf-8"))
        ]
    return [path.relative_to(root).as_posix() for path in named]


def notebooks_using(mutant: Mutant, root: Path = ROOT) -> list[str]:
    """Return the notebooks that may notice a fault in a module, those that name the faulty function first."""
    subject = mutant.path.split("/")[1].removesuffix(".py")
    function = _enclosing(mutant)
    ranked = []
    for path in all_notebooks(root):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join(cell_text(cell) for cell in cells if cell["cell_type"] == "code")
        names = bool(function) and re.search(rf"\b{re.escape(function)}\b", code) is not None
        uses = names or re.search(rf"\b{re.escape(subject)}\b", code) is not None
        ranked.append((not names, not uses, path.name))
    using = [entry for entry in ranked if not entry[1]]
    # A module that no notebook names serves those that it does name: any of them may notice.
    return [name for *_, name in sorted(using or ranked)]


def _enclosing(mutant: Mutant) -> str:
    for statement in ast.parse(mutant.code).body:
        if statement.lineno <= mutant.fault.line <= statement.end_lineno:
            return getattr(statement, "name", "")
    return ""


def attempt(mutant: Mutant, root: Path = ROOT) -> Verdict:
    """Return what notices a mutant, from the cache where nothing has changed since.

    Parameters
    ----------
    mutant
        A notebook's mutant is tried on its notebook; the helper's first on the module's unit tests, then on
        the notebooks that use it.
    root
        The repository, whose files are only read.
    """
    notebooks = [Path(mutant.path).name] if mutant.in_notebook else notebooks_using(mutant, root)
    tests = [] if mutant.in_notebook else unit_tests(mutant.path, root)
    basis = digest("course_utils", "tests/regression", *tests, *(f"notebooks/{name}" for name in notebooks))

    def compute() -> Verdict:
        with copy_of_checkout(root) as checkout:
            mutant.write(checkout)
            verdict = run_tests(tests, checkout)
            for name in notebooks:
                if verdict.status != "survived":
                    break
                patience = PATIENCE * control(name, root).seconds + GRACE
                verdict = run_notebook_in(checkout, name, patience)
            return verdict

    return cached(f"{mutant.identity} {mutant.fault} {basis}", compute)
