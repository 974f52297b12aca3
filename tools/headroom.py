"""Runs every notebook under perturbations that should not matter and reports how much tolerance they use.

Above 80 % of any tolerance the run fails, so that nothing passes by luck.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from tools.environments import UnavailableError, make_environment
from tools.notebook_files import ROOT, choose
from tools.notebook_run import Outcome, run

LIMIT = 0.8
AT_A_TIME = 2
OLDEST = "oldest TensorFlow"
OLDEST_PYTHON = "3.12"
REPORT = ROOT / "build" / "headroom.json"
PERTURBATIONS = {
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    # An older processor: for TensorFlow's kernels, and for NumPy's matrix products.
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
    "one thread": {"TF_NUM_INTRAOP_THREADS": "1"},
}
# Only for reading notebooks; kernels do without.
NOT_NEEDED = ("jupyterlab",)


def oldest_requirements(root: Path = ROOT) -> str:
    """Return requirements with the lowest version of each of the helper's packages in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = [re.sub(r">=\s*([\d.]+).*", r"==\1.*", line) for line in project["dependencies"]]
    course = [line for line in project["optional-dependencies"]["course"] if not line.startswith(NOT_NEEDED)]
    return "\n".join([*lowest, *course]) + "\n"


def environments(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Return the perturbations with their environment variables; the oldest versions only where possible."""
    found = dict(PERTURBATIONS)
    try:
        python = make_environment(root / "build" / "oldest", OLDEST_PYTHON, oldest_requirements(root))
        found[OLDEST] = {"COURSE_KERNEL_PYTHON": str(python)}
    except UnavailableError as reason:
        print(f"Skipped: {reason}, so the {OLDEST} was not tried.")
    return found


def table(outcomes: dict[tuple[str, str], Outcome]) -> list[str]:
    """Return the lines of the table: notebooks by perturbations, in each field the largest share used.

    Parameters
    ----------
    outcomes
        By name of the notebook and of the perturbation.
    """
    notebooks = list(dict.fromkeys(name for name, _ in outcomes))
    columns = list(dict.fromkeys(column for _, column in outcomes))
    width = max(map(len, notebooks), default=8)
    lines = ["".join([f"{'notebook':<{width}}", *(f"{column:>20}" for column in columns)])]
    for name in notebooks:
        fields = [_field(outcomes[name, column]) for column in columns]
        lines.append("".join([f"{name:<{width}}", *(f"{field:>20}" for field in fields)]))
    return lines


def _field(outcome: Outcome) -> str:
    return f"{outcome.share:.0%}" if outcome.passed else f"FAILED ({outcome.kind})"


def complaints(outcomes: dict[tuple[str, str], Outcome], limit: float = LIMIT) -> list[str]:
    """Return a sentence for each notebook that failed or used more than the limit."""
    found = []
    for (name, column), outcome in outcomes.items():
        if not outcome.passed:
            details = "\n  ".join(outcome.failures or [outcome.message])
            found.append(f"{name}, {column}:\n  {details}")
        elif outcome.share > limit:
            found.append(f"{name}, {column}: {outcome.worst} used {outcome.share:.0%} of its tolerance")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run all notebooks under all perturbations, two at a time; return 1 when one uses too much."""
    parser = argparse.ArgumentParser(prog="python -m tools.headroom", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="notebooks; without any, all of them")
    parser.add_argument("--share-limit", type=float, default=LIMIT, help="largest share allowed (0.8)")
    parser.add_argument("--only", choices=[*PERTURBATIONS, OLDEST], help="one perturbation")
    options = parser.parse_args(arguments)
    settings = environments() if options.only in (None, OLDEST) else PERTURBATIONS
    tasks = [
        (path, column)
        for path in choose(parser, options.notebooks)
        for column in settings
        if options.only in (None, column)
    ]

    def measure(task: tuple[Path, str]) -> Outcome:
        return run(task[0], environment=settings[task[1]], keep_going=True)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(tqdm(pool.map(measure, tasks), total=len(tasks), unit="run"))
    outcomes = {(path.name, column): outcome for (path, column), outcome in zip(tasks, results, strict=True)}
    print("\n".join(table(outcomes)))
    REPORT.parent.mkdir(exist_ok=True)
    report = [
        {"notebook": name, "perturbation": column} | asdict(outcome)
        for (name, column), outcome in outcomes.items()
    ]
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    found = complaints(outcomes, options.share_limit)
    print("\n".join(found) or f"No run used more than {options.share_limit:.0%} of a tolerance.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
