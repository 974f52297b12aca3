"""What a comparison found: differences, and how much of the tolerances was used."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Difference:
    """One difference between a stored and a new output.

    Attributes
    ----------
    kind : str
        "text", "number" or "figure".
    where : str
        The place in words.
    stored, new : str
        Both sides, short.
    why : str
        What was allowed, where a tolerance was.
    """

    kind: str
    where: str
    stored: str
    new: str
    why: str = ""

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"{self.where}: stored {self.stored}, new {self.new}{why}"


@dataclass
class Findings:
    """All that the comparison of one cell found.

    Attributes
    ----------
    differences : list of Difference
        Empty when the cell agrees.
    numbers, figures : int
        How many of each were compared.
    share : float
        Largest error as a share of its tolerance.
    worst : str
        Where that was.
    tolerances : list of float
        Relative tolerance of each number.
    """

    differences: list[Difference] = field(default_factory=list)
    numbers: int = 0
    figures: int = 0
    share: float = 0.0
    worst: str = ""
    tolerances: list[float] = field(default_factory=list)

    def differ(self, kind: str, where: str, stored: object, new: object, why: str = "") -> None:
        """Note a difference."""
        self.differences.append(Difference(kind, where, _short(stored), _short(new), why))

    def use(self, share: float, where: str) -> None:
        """Note that a quantity used a share of its tolerance."""
        if share > self.share:
            self.share, self.worst = share, where


def _short(value: object, length: int = 160) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"
