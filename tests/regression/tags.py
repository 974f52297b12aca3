"""What a cell's tags say about its comparison. No tag exempts a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

MARKER = r"(nbval|pytest[-_ ]?validate)[-_ ]*(ignore|skip|check|raises)"
EXEMPTING_TAG = re.compile(rf"{MARKER}|^skip-execution$", re.IGNORECASE)
EXEMPTING_COMMENT = re.compile(rf"^\s*#.*{MARKER}.*", re.IGNORECASE | re.MULTILINE)
INSTEAD = "no cell is exempt, widen its tolerance with rtol= or atol="
TOLERANCE = re.compile(r"^(rtol|atol)\s*[=:]\s*(.*)$")


class TagError(ValueError):
    """A cell asks for something that the comparison does not grant."""


@dataclass(frozen=True)
class Tolerance:
    """How much wider than usual a cell is compared.

    Attributes
    ----------
    rtol : float
        Share of a number's size, and of an artist's range in a figure.
    atol : float
        Absolute difference of a printed number.
    """

    rtol: float = 0.0
    atol: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.rtol or self.atol)


NONE = Tolerance()


def read_tolerance(cell: NotebookNode) -> Tolerance:
    """Return the tolerance that a cell's tags give it.

    Parameters
    ----------
    cell : NotebookNode
        A code cell.

    Returns
    -------
    Tolerance
        Zero where there is no tag.

    Raises
    ------
    TagError
        For a tag or comment that would exempt the cell, a tag that cannot be read, or one without its reason.
    """
    tags = cell.metadata.get("tags", [])
    refuse_exemption(cell.source, tags)
    widths = {"rtol": 0.0, "atol": 0.0}
    for tag in tags:
        match = TOLERANCE.match(tag)
        if match:
            widths[match[1]] = _width(tag, match[2])
    reason = str(cell.metadata.get("tolerance_reason", "")).strip()
    if any(widths.values()) and not reason:
        raise TagError("a tag widens the tolerance, but no tolerance_reason in the cell's metadata says why")
    if "raises-exception" in tags and not (reason or str(cell.metadata.get("exception_reason", "")).strip()):
        raise TagError("the tag raises-exception is there, but no exception_reason in the cell's metadata")
    return Tolerance(**widths)


def refuse_exemption(source: str, tags: list[str]) -> None:
    """Raise `TagError` if a tag or a comment tries to keep a cell from being run or compared."""
    for tag in tags:
        if EXEMPTING_TAG.search(tag):
            raise TagError(f"the tag {tag!r} would exempt the cell: {INSTEAD}")
    comment = EXEMPTING_COMMENT.search(source)
    if comment:
        raise TagError(f"the comment {comment[0].strip()!r} would exempt the cell: {INSTEAD}")


def _width(tag: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TagError(f"the tag {tag!r} cannot be read: write it like rtol=0.05 or atol=0.02") from None
    if not 0 < value < float("inf"):
        raise TagError(f"the tag {tag!r} must be a positive number, like rtol=0.05 or atol=0.02")
    return value
