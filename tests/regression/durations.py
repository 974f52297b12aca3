"""How long each notebook takes, so that the longest is started first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).with_name("durations.json")
# Runs differ by a few percent: only a real change is written.
CHANGE = 0.3


def read(file: Path = FILE) -> dict[str, float]:
    """Return the stored seconds of each notebook by file name."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return {}


def store(seconds: Mapping[str, float], file: Path = FILE) -> None:
    """Store the seconds of notebooks, keeping those that hardly changed.

    Parameters
    ----------
    seconds : mapping of str to float
        Wall seconds by file name.
    file : Path
        The JSON file.
    """
    known = read(file)
    changes = {
        name: round(value)
        for name, value in seconds.items()
        if name not in known or abs(value - known[name]) > max(1, CHANGE * known[name])
    }
    if changes:
        file.write_text(json.dumps(dict(sorted({**known, **changes}.items())), indent=1) + "\n")
