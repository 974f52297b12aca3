"""One notebook run and compared in a process of its own; what happened comes back as JSON.

``python -m tools.notebook_run NB --report FILE`` uses whatever ``tests.regression`` stands in the current
folder, so that a changed copy of the repository is run by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.notebook_files import ROOT

THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@dataclass
class Outcome:
    """What became of a notebook.

    Attributes
    ----------
    kind
        "" if it passed; else what noticed: "number", "text", "figure", "claim", "error", "timeout", "dead".
    message
        The failure in words.
    cell
        Number of the failing code cell from 0, or -1.
    share
        Largest share of a tolerance used.
    worst
        Where that was.
    seconds
        Wall time.
    failures
        All failing cells, each with its kind and message.
    """

    kind: str = ""
    message: str = ""
    cell: int = -1
    share: float = 0.0
    worst: str = ""
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.kind


def run(
    notebook: Path,
    *,
    checkout: Path = ROOT,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    keep_going: bool = False,
    timeout: float = 1800,
) -> Outcome:
    """Run a notebook and compare it with its stored outputs.

    Parameters
    ----------
    notebook
        The notebook.
    checkout
        The repository whose plugin and helpers are used.
    folder
        Where the kernel starts; by default the notebook's folder.
    environment
        Changes to the environment of the kernel.
    keep_going
        Whether cells after a difference are run as well.
    timeout
        Seconds for the whole notebook; beyond them the outcome's kind is "timeout".
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.json"
        command = [sys.executable, "-m", "tools.notebook_run", str(notebook), "--report", str(report)]
        command += ["--folder", str(folder)] if folder else []
        command += ["--keep-going"] if keep_going else []
        command += [f"--set={name}={value}" for name, value in (environment or {}).items()]
        surrounding = os.environ | {"PYTHONPATH": str(checkout)}
        code, text = run_within(command, checkout, surrounding, timeout)
        if code is None:
            outcome = Outcome("timeout", f"took longer than {timeout:.0f} s")
        elif report.exists():
            outcome = Outcome(**json.loads(report.read_text(encoding="utf-8")))
        else:
            outcome = Outcome("error", f"the run ended with exit code {code}: {text.strip()[-2000:]}")
    outcome.seconds = time.monotonic() - started
    return outcome


def run_within(
    command: list[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> tuple[int | None, str]:
    """Run a command and everything it starts for at most so many seconds.

    Returns
    -------
    code, text
        Its exit code (None when it was stopped) and what it printed.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # Kernels start sessions of their own, so they are found as descendants.
            _stop(process)
        output.seek(0)
        return code, output.read()


def _stop(process: subprocess.Popen[bytes]) -> None:
    import psutil

    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(family, timeout=10)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _outcome(path: Path, folder: Path | None, environment: dict[str, str], keep_going: bool) -> Outcome:
    from tests.regression.execution import run_notebook

    result = run_notebook(
        path, environment=environment, stop_at_first_difference=not keep_going, folder=folder
    )
    failed = [cell for cell in result.cells if cell.verdict == "failed"]
    most = max(result.cells, key=lambda cell: cell.findings.share, default=None)
    outcome = Outcome(failures=[f"cell {cell.number}, {cell.kind}: {cell.message}" for cell in failed])
    if failed:
        outcome.kind, outcome.message, outcome.cell = failed[0].kind, failed[0].message, failed[0].number
    if most is not None and most.findings.share:
        outcome.share, outcome.worst = most.findings.share, f"cell {most.number}, {most.findings.worst}"
    return outcome


def main(arguments: list[str] | None = None) -> int:
    """Run the notebook and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebook_run", description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--report", type=Path, required=True, help="where the outcome is written")
    parser.add_argument("--folder", type=Path, help="where the kernel starts")
    parser.add_argument("--keep-going", action="store_true", help="run the cells after a difference as well")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="kernel's environment"
    )
    options = parser.parse_args(arguments)
    environment = dict(setting.split("=", 1) for setting in options.set)
    outcome = _outcome(options.notebook, options.folder, environment, options.keep_going)
    options.report.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
