"""The environment in which kernels run, the same for checking and for updating."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
THREAD_SETTINGS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def kernel_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables of a kernel.

    Parameters
    ----------
    changes : mapping of str to str, optional
        Variables that win over everything below.

    Returns
    -------
    dict
        This process' variables with the course's own settings. Threads are divided among the workers of
        pytest-xdist unless they are set already.
    """
    environment = dict(os.environ)
    # ipykernel drops output written by compiled code when it believes that it is itself under test.
    environment.pop("PYTEST_CURRENT_TEST", None)
    environment.setdefault("COURSE_PROFILE", "quick")
    environment["COURSE_PROGRESS"] = "0"
    environment["COURSE_STRICT"] = "1"
    environment["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    environment["PYTHONHASHSEED"] = "0"
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    # Notebooks are checked against this checkout, not against a copy installed some day.
    path = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), path] if path else [str(ROOT)])
    workers = int(environment.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    for setting in THREAD_SETTINGS:
        environment.setdefault(setting, str(max(1, processors() // workers)))
    return environment | dict(changes or {})
