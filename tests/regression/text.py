"""Texts compared with tolerance for the numbers in them.

The text around numbers must agree up to blanks, integers exactly, decimals and percentages within one unit of
the last digit shown. Arithmetic is done on decimals, so that "one unit" means exactly that.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from decimal import Decimal

from tests.regression.findings import Findings
from tests.regression.tags import NONE, Tolerance

# A sign belongs to a number unless something stands before it that it would subtract from. Digits within a
# word or a version ("conv2d_1", "v0.1.0", "float32") are text.
NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>(?<![)\]%])[-+])?"
    r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])|[0-9]+)?(?P<decimals>\.[0-9]*)?(?P<exponent>[eE][-+]?[0-9]+)?"
    r"(?![0-9])(?!\.[0-9])(?P<percent>\s?%)?"
)
# A claim prints only its bound where the value is rounding noise: "< 1e-06". One unit of its only digit
# would be all of it.
BOUND = re.compile(r"✓.*: [<>]=? ?$")
ONE_DIGIT = re.compile(r"[1-9][eE][-+]?[0-9]+")
CARRIAGE_RETURN = re.compile(r"^.*\r(?=[^\n])", re.MULTILINE)
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
TAG = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number in a text.

    Attributes
    ----------
    text : str
        As written.
    value : Decimal
        Its value.
    unit : Decimal
        One unit of the last digit shown.
    exact : bool
        Whether it is an integer without % behind it.
    percent : bool
        Whether % stands behind it.
    """

    text: str
    value: Decimal
    unit: Decimal
    exact: bool
    percent: bool


def plain(text: str) -> str:
    """Return a text without colours, overwritten lines and typographic minus signs."""
    text = CARRIAGE_RETURN.sub("", ESCAPE.sub("", text).replace("\r\n", "\n"))
    return text.replace("\N{MINUS SIGN}", "-")


def strip_html(markup: str) -> str:
    """Return the text of an HTML table or paragraph."""
    return html.unescape(TAG.sub(" ", markup))


def split(text: str) -> tuple[list[str], list[Number]]:
    """Split a text into what stands between its numbers, and the numbers.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    pieces : list of str
        One more than there are numbers, with runs of blanks folded.
    numbers : list of Number
        In order.
    """
    text = plain(text)
    pieces, numbers, end = [], [], 0
    for match in NUMBER.finditer(text):
        number = _read(match)
        if number is None:
            continue
        pieces.append(_fold(text[end : match.start()]))
        numbers.append(number)
        end = match.end()
    return [*pieces, _fold(text[end:])], numbers


def compare_text(
    stored: str,
    new: str,
    findings: Findings,
    where: str,
    tolerance: Tolerance = NONE,
    kind: str | None = None,
) -> None:
    """Compare two texts and note what differs.

    Parameters
    ----------
    stored, new : str
        The texts.
    findings : Findings
        Where differences and used shares are noted.
    where : str
        Name of the text for messages.
    tolerance : Tolerance
        What the cell's tags allow.
    kind : str, optional
        Kind of all differences; by default "text" or "number".
    """
    old_pieces, old_numbers = split(stored)
    new_pieces, new_numbers = split(new)
    if old_pieces != new_pieces:
        findings.differ(kind or "text", where, *_around(plain(stored), plain(new)))
        return
    for place, (old, fresh) in enumerate(zip(old_numbers, new_numbers, strict=True), start=1):
        name = f"{where}, number {place}" + (
            f" after {old_pieces[place - 1][-30:]!r}" if old_pieces[place - 1] else ""
        )
        if ONE_DIGIT.fullmatch(old.text) and BOUND.search(old_pieces[place - 1]):
            if old.value != fresh.value:
                findings.differ(kind or "number", name, old.text, fresh.text, "a claim's bound, exact")
            findings.numbers += 1
            continue
        _compare_numbers(old, fresh, findings, name, tolerance, kind)


def allowed(stored: Number, new: Number, tolerance: Tolerance = NONE) -> Decimal:
    """Return how far two numbers may be apart."""
    unit = Decimal(0)
    if not stored.exact:
        unit = stored.unit
    elif not new.exact and not new.text.rstrip("% ").endswith("0"):
        # "%.3g" writes 1 for 0.9997: the side that shows decimals says what one unit is.
        unit = new.unit
    return max(unit, Decimal(repr(tolerance.atol)), Decimal(repr(tolerance.rtol)) * abs(stored.value))


def _compare_numbers(
    stored: Number, new: Number, findings: Findings, where: str, tolerance: Tolerance, kind: str | None
) -> None:
    findings.numbers += 1
    if stored.percent != new.percent or (stored.exact != new.exact and _changed_type(stored, new)):
        findings.differ(kind or "text", where, stored.text, new.text, "written in another form")
        return
    error, limit = abs(stored.value - new.value), allowed(stored, new, tolerance)
    findings.tolerances.append(float(limit / abs(stored.value)) if stored.value else float(limit))
    if error > limit:
        why = f"at most {float(limit):.3g} apart" if limit else "an integer, exact"
        findings.differ(kind or "number", where, stored.text, new.text, why)
    elif error:
        findings.use(float(error / limit), where)


def _changed_type(stored: Number, new: Number) -> bool:
    """Whether an integer became a decimal or the reverse, other than by dropping noughts (0.999 and 1)."""
    decimal = new if stored.exact else stored
    return decimal.text.rstrip("% ").endswith(("0", "."))


def _read(match: re.Match[str]) -> Number | None:
    digits, decimals, exponent = (match[name] or "" for name in ("digits", "decimals", "exponent"))
    if not digits and len(decimals) < 2:
        return None
    places = max(len(decimals) - 1, 0)
    power = int(exponent[1:]) if exponent else 0
    value = Decimal(
        f"{match['sign'] or ''}{digits.replace(',', '') or '0'}{decimals if places else ''}E{power}"
    )
    percent = match["percent"] is not None
    # "1." is NumPy's integer-valued float; it shows no decimal, so it is as exact as an integer.
    exact = not (places or exponent or percent)
    return Number(match[0], value + 0, Decimal(1).scaleb(power - places), exact, percent)


def _fold(piece: str) -> str:
    return " ".join(piece.split())


def _around(stored: str, new: str, context: int = 60) -> tuple[str, str]:
    """Return both texts from a little before the first character in which they differ."""
    stored, new = _fold(stored), _fold(new)
    place = 0
    while place < min(len(stored), len(new)) and stored[place] == new[place]:
        place += 1
    start = max(0, place - context // 2)
    return repr(stored[start : place + context]), repr(new[start : place + context])
