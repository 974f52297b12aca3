"""Numbers quoted in a notebook's summary must come from its outputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.regression.figures import MIME_TYPE
from tests.regression.outputs import normalise
from tests.regression.text import Number, split, strip_html

if TYPE_CHECKING:
    from decimal import Decimal

    from nbformat import NotebookNode

LINK = re.compile(r"\]\([^)]*\)|https?://\S+|`[^`]*`")
LATEX = re.compile(r"\\[,;! ]|[{}$]")


def check_summary(notebook: NotebookNode) -> list[str]:
    """Return a sentence for each decimal of the summary that no output above it shows.

    Parameters
    ----------
    notebook : NotebookNode
        A notebook with its outputs.

    Returns
    -------
    list of str
        Empty when every decimal, and every number with % behind it, in the section `## Summary` occurs in an
        output above within rounding (0.97 also as 97 %). Numbers in code and in links are not looked at.
    """
    shown: list[Decimal] = []
    missing: list[str] = []
    in_summary = False
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown += [number.value for number in shown_numbers(cell)]
        elif cell.cell_type == "markdown":
            text, in_summary = _summary_part(cell.source, in_summary)
            missing += [
                f"the summary quotes {number.text.strip()}, which no output above shows"
                for number in quoted_decimals(text)
                if not any(_is_rounding(value, number) for value in shown)
            ]
    return missing


def quoted_decimals(text: str) -> list[Number]:
    """Return the decimals and percentages of a text in markdown."""
    prose = LATEX.sub("", LINK.sub(" ", text.replace(r"\%", "%")))
    return [number for number in split(prose)[1] if not number.exact]


def shown_numbers(cell: NotebookNode) -> list[Number]:
    """Return all numbers in a code cell's outputs, the words of its figures included."""
    texts = []
    for output in normalise(cell.outputs):
        data = output.get("data", {})
        texts += [output.get("text", ""), data.get("text/plain", "")]
        if MIME_TYPE in data:
            texts += _words(data[MIME_TYPE])
        else:
            texts.append(strip_html(data.get("text/html", "")))
    return [number for text in texts for number in split(text)[1]]


def _summary_part(source: str, inside: bool) -> tuple[str, bool]:
    """Return the lines of a cell that belong to the summary, and whether the summary goes on after it."""
    lines = []
    for line in source.splitlines():
        if re.match(r"##? ", line):
            inside = line.strip().lower() == "## summary"
        elif inside:
            lines.append(line)
    return "\n".join(lines), inside


def _is_rounding(value: Decimal, quoted: Number) -> bool:
    half = quoted.unit / 2
    forms = (value, value * 100) if quoted.percent else (value,)
    # A sum of losses "falls by 0.3" is quoted without its sign.
    return any(abs(abs(form) - abs(quoted.value)) <= half for form in forms)


def _words(content: object) -> list[str]:
    if isinstance(content, dict):
        return [
            word
            for key, value in content.items()
            for word in (
                [value] if key in ("title", "text", "label") and isinstance(value, str) else _words(value)
            )
        ]
    return [word for item in content for word in _words(item)] if isinstance(content, list) else []
