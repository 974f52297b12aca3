"""Figures compared by what they show: the JSON that `course_utils.figure_content` puts beside each picture.

The comparison knows three kinds of things in that JSON, whatever artist they belong to: quantities (an object
with "values"), distributions (an object with "shares") and words. So a new kind of artist needs no code here.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any

from tests.regression.findings import Findings
from tests.regression.tags import NONE, Tolerance
from tests.regression.text import compare_text

MIME_TYPE = "application/vnd.course-figure+json"
SCHEMA = 1
# Share of an artist's range that a value may be off; a tenth of it where measured on the whole axis, which is
# less than a pixel: an almost flat line, or the place of a text, need not agree better than anyone can see.
OF_RANGE = 0.02
OF_AXIS = 0.002
# Share of the points of a scatter that may lie elsewhere.
OF_POINTS = 0.05
# A range below this share of the values themselves is rounding noise.
CONSTANT = 1e-6
# Values closer than this are equal: noughts with rounding noise.
NOUGHT = 1e-9
NUMERIC_WORDS = {"title", "label", "text", "texts", "ticks"}
NOT_COMPARED = {"style"}


def compare_figures(
    stored: dict[str, Any],
    new: dict[str, Any],
    findings: Findings,
    where: str = "figure",
    tolerance: Tolerance = NONE,
) -> None:
    """Compare the contents of two figures or animations and note what differs.

    Parameters
    ----------
    stored, new : dict
        Contents as of `course_utils.figure_content.figure_content` or `animation_content`.
    findings : Findings
        Where differences and used shares are noted.
    where : str
        Name of the figure for messages.
    tolerance : Tolerance
        What the cell's tags allow: `rtol` is a share of an artist's range.
    """
    findings.figures += 1
    schemas = [content.get("schema") if isinstance(content, dict) else None for content in (stored, new)]
    if schemas != [SCHEMA, SCHEMA]:
        findings.differ("figure", f"{where}, schema", *schemas, f"this comparison reads schema {SCHEMA}")
        return
    try:
        _Walk(findings, tolerance).compare(stored, new, where)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        findings.differ("figure", where, "content that cannot be read", "content", repr(error))


def compare_pictures(
    stored: str, new: str, findings: Findings, where: str = "picture", tolerance: Tolerance = NONE
) -> None:
    """Compare two PNG pictures that carry no content (a photograph, a diagram) by the means of 8 x 8 blocks.

    Parameters
    ----------
    stored, new : str
        The pictures in base64.
    findings, where, tolerance
        As for `compare_figures`.
    """
    from matplotlib.image import imread

    from course_utils.figure_artists import blocks

    findings.figures += 1
    contents = []
    for data in (stored, new):
        pixels = imread(io.BytesIO(base64.b64decode(data)), format="png")
        contents.append({"shape": list(pixels.shape), "blocks": blocks(pixels, axis=(0.0, 1.0))})
    _Walk(findings, tolerance).compare(*contents, where)


class _Walk:
    """Walks through two contents side by side."""

    def __init__(self, findings: Findings, tolerance: Tolerance) -> None:
        self.findings = findings
        self.tolerance = tolerance

    def compare(self, stored: Any, new: Any, where: str, key: str = "") -> None:
        if isinstance(stored, dict) and isinstance(new, dict):
            self._objects(stored, new, where)
        elif isinstance(stored, list) and isinstance(new, list):
            self._lists(stored, new, where, key)
        elif isinstance(stored, str) and isinstance(new, str) and key in NUMERIC_WORDS:
            numbers, tolerances = self.findings.numbers, len(self.findings.tolerances)
            compare_text(stored, new, self.findings, where, self.tolerance, kind="figure")
            # Numbers of a title are part of the figure, not numbers of their own.
            self.findings.numbers = numbers
            del self.findings.tolerances[tolerances:]
        elif stored != new or type(stored) is not type(new):
            self.findings.differ("figure", where, stored, new)

    def _objects(self, stored: dict[str, Any], new: dict[str, Any], where: str) -> None:
        done = set(NOT_COMPARED)
        if "values" in stored and "values" in new:
            self._quantities(stored, new, where)
            done |= {"values", "range", "axis", "scale", "missing"}
        elif "shares" in stored and "shares" in new:
            self._shares(stored["shares"], new["shares"], where)
            done.add("shares")
        if "ticks" not in stored:  # stored before labels given with their places were part of the content
            done.add("ticks")
        for key in sorted((stored.keys() | new.keys()) - done):
            name = f"{where}, {key}"
            if key not in stored or key not in new:
                self.findings.differ("figure", name, stored.get(key, "nothing"), new.get(key, "nothing"))
            else:
                self.compare(stored[key], new[key], name, key)

    def _lists(self, stored: list[Any], new: list[Any], where: str, key: str) -> None:
        if len(stored) != len(new):
            self.findings.differ(
                "figure", where, _names(stored), _names(new), f"{len(stored)} became {len(new)}"
            )
            return
        for place, (old, fresh) in enumerate(zip(stored, new, strict=True), start=1):
            name = f"{where} {place}"
            if isinstance(old, dict) and "kind" in old:
                label = f" {old['label']!r}" if "label" in old else ""
                name = f"{where} {place} ({old['kind']}{label})"
            self.compare(old, fresh, name, key)

    def _quantities(self, stored: dict[str, Any], new: dict[str, Any], where: str) -> None:
        for key in ("scale", "missing"):
            if stored.get(key) != new.get(key):
                self.findings.differ(
                    "figure", f"{where}, {key}", stored.get(key, "none"), new.get(key, "none")
                )
                return
        log = stored.get("scale") == "log"
        limit = self._limit(stored, log)
        old, fresh = _numbers(stored["values"]), _numbers(new["values"])
        if len(old) != len(fresh):
            self.findings.differ("figure", where, f"{len(old)} values", f"{len(fresh)} values")
            return
        # The range is compared as well: a peak may lie between the fixed indices.
        pairs = [
            *zip(old, fresh, strict=True),
            *zip(_numbers(stored["range"]), _numbers(new["range"]), strict=True),
        ]
        worst, worst_pair = 0.0, (None, None)
        for a, b in pairs:
            error = _distance(a, b, log)
            if error > worst:
                worst, worst_pair = error, (a, b)
        if worst > limit:
            unit = " in decades" if log else ""
            place = pairs.index(worst_pair) + 1
            name = f"{where}, value {place} of {len(old)}" if place <= len(old) else f"{where}, range"
            self.findings.differ(
                "figure", name, *(f"{value:g}" for value in worst_pair), f"at most {limit:.3g} apart{unit}"
            )
        elif worst > NOUGHT:
            self.findings.use(worst / limit, where)

    def _limit(self, stored: dict[str, Any], log: bool) -> float:
        share = max(OF_RANGE, self.tolerance.rtol)
        limits = _numbers(stored["range"])
        size, largest = _size(limits, log), max(map(abs, limits))
        of_axis = share * OF_AXIS / OF_RANGE
        on_axis = of_axis * _size(_numbers(stored["axis"]), log) if "axis" in stored else 0.0
        if not log and size <= CONSTANT * largest and not on_axis:
            size = largest
        return max(share * size, on_axis, NOUGHT)

    def _shares(self, stored: list[Any], new: list[Any], where: str) -> None:
        old, fresh = _numbers(stored), _numbers(new)
        if len(old) != len(fresh):
            self.findings.differ("figure", where, len(old), len(fresh))
            return
        # Half the sum of differences is the share of points that would have to move.
        moved = sum(abs(a - b) for a, b in zip(old, fresh, strict=True)) / 200
        limit = max(OF_POINTS, self.tolerance.rtol)
        # Shares are stored in hundredths of a percent: so much of the sum may be rounding.
        moved = max(0.0, moved - 1e-3)
        if moved > limit:
            why = f"at most {limit:.0%} may lie elsewhere"
            self.findings.differ("figure", where, "a distribution", f"{moved:.1%} of it elsewhere", why)
        elif moved:
            self.findings.use(moved / limit, where)


def _distance(stored: float, new: float, log: bool) -> float:
    """Return how far two values are apart: infinitely when only one is finite, or positive on a log axis."""
    if stored == new or (math.isnan(stored) and math.isnan(new)):
        return 0.0
    if not (math.isfinite(stored) and math.isfinite(new)):
        return math.inf
    if not log:
        return abs(stored - new)
    if stored <= 0 or new <= 0:
        # What is not positive is not drawn on a log axis.
        return 0.0 if stored <= 0 and new <= 0 else math.inf
    return abs(math.log10(stored) - math.log10(new))


def _size(limits: list[float], log: bool) -> float:
    low, high = limits
    if not log:
        return abs(high - low)
    return abs(math.log10(high) - math.log10(low)) if low > 0 and high > 0 else 0.0


def _numbers(text: str | list[str]) -> list[float]:
    """Read numbers that stand side by side in a string, or in several."""
    return [float(word) for word in (text if isinstance(text, str) else " ".join(text)).split()]


def _names(items: list[Any]) -> str:
    words = [
        str(item.get("label", item.get("kind", "…"))) if isinstance(item, dict) else str(item)
        for item in items
    ]
    return ", ".join(words) or "nothing"
