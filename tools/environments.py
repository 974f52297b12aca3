"""Finding other Python versions and making virtual environments for them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path


class UnavailableError(RuntimeError):
    """Something that this machine does not have; the message is one sentence."""


def find_python(version: str) -> str:
    """Return a Python of this version that really runs.

    Parameters
    ----------
    version
        Such as ``3.13``.

    Raises
    ------
    UnavailableError
        If there is none on the path, from pyenv or known to uv.
    """
    candidates = [sys.executable, shutil.which(f"python{version}")]
    candidates += map(str, sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python")))
    candidates += [_known_to_uv(version)]
    for candidate in candidates:
        if candidate and _runs_as(candidate, version):
            return candidate
    raise UnavailableError(f"there is no Python {version} on this machine")


def _known_to_uv(version: str) -> str:
    command = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", version]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _runs_as(python: str, version: str) -> bool:
    # A shim of pyenv exists for versions that it refuses to start.
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [python, "-c", question], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def index_address() -> str:
    """Return the package index that uv and pip are told to use."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name]
    return "https://pypi.org/simple"


def require_index(timeout: float = 15) -> None:
    """Raise `UnavailableError` unless the package index answers."""
    address = f"{index_address().rstrip('/')}/pip/"
    try:
        with urllib.request.urlopen(address, timeout=timeout):
            return
    except urllib.error.HTTPError:
        return  # it answers, whatever it says
    except (OSError, ValueError):
        raise UnavailableError(f"the package index {index_address()} cannot be reached") from None


def make_environment(folder: Path, version: str, requirements: str) -> Path:
    """Make a virtual environment, or return the one made earlier from the same requirements.

    Parameters
    ----------
    folder
        Where to.
    version
        Python's, such as ``3.13``.
    requirements
        The text of a requirements file.

    Returns
    -------
    Path
        Its Python.

    Raises
    ------
    UnavailableError
        If there is no such Python or no network.
    RuntimeError
        If the packages cannot be installed.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / ".requirements"
    wanted = hashlib.sha256(f"{version}\n{requirements}".encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    found = find_python(version)
    require_index()
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _uv("venv", "--quiet", "--python", found, str(folder))
    written = folder / "requirements.txt"
    written.write_text(requirements, encoding="utf-8")
    _uv("pip", "install", "--quiet", "--python", str(python), "-r", str(written))
    stamp.write_text(wanted)
    return python


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"uv {arguments[0]} failed:\n{done.stderr.strip()}")
