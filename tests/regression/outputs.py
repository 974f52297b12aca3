"""The outputs of one cell compared: streams, results, displays and errors."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.regression import figures
from tests.regression.findings import Findings
from tests.regression.tags import NONE, Tolerance
from tests.regression.text import compare_text, plain, strip_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

# A widget's model number is random; what it shows is in the text beside it.
RANDOM = {"application/vnd.jupyter.widget-view+json"}
PICTURES = {"image/png", "image/jpeg", "image/svg+xml", "application/pdf"}


def normalise(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return a cell's outputs with the pieces of each stream joined, as the reader of a page sees them.

    Parameters
    ----------
    outputs : sequence of NotebookNode
        Outputs in the order in which they came. How a stream was cut into pieces depends on timing.

    Returns
    -------
    list of NotebookNode
        Copies; each stream stands where its first piece stood.
    """
    joined: list[NotebookNode] = []
    streams: dict[str, NotebookNode] = {}
    for output in map(deepcopy, outputs):
        if output.output_type != "stream":
            joined.append(output)
        elif output.name in streams:
            streams[output.name].text += output.text
        else:
            streams[output.name] = output
            joined.append(output)
    for stream in streams.values():
        stream.text = plain(stream.text)
    return [output for output in joined if output.output_type != "stream" or output.text.strip()]


def compare_outputs(
    stored: Sequence[NotebookNode], new: Sequence[NotebookNode], tolerance: Tolerance = NONE
) -> Findings:
    """Compare all outputs of a cell.

    Parameters
    ----------
    stored, new : sequence of NotebookNode
        The cell's outputs in the notebook and after running it.
    tolerance : Tolerance
        What the cell's tags allow.

    Returns
    -------
    Findings
        Differences, counts and the largest share of a tolerance used.
    """
    findings = Findings()
    old, fresh = normalise(stored), normalise(new)
    for stream in ("stdout", "stderr"):
        texts = [_stream(outputs, stream) for outputs in (old, fresh)]
        if texts[0] or texts[1]:
            compare_text(*texts, findings, stream, tolerance)
    old, fresh = (
        [output for output in outputs if output.output_type != "stream"] for outputs in (old, fresh)
    )
    if len(old) != len(fresh):
        either = old + fresh
        kind = "figure" if any(_has_figure(output) for output in either) else "text"
        findings.differ(kind, "outputs", _kinds(old), _kinds(fresh), f"{len(old)} became {len(fresh)}")
        return findings
    for place, pair in enumerate(zip(old, fresh, strict=True), start=1):
        _compare_output(*pair, findings, f"output {place}", tolerance)
    return findings


def _compare_output(
    stored: NotebookNode, new: NotebookNode, findings: Findings, where: str, tolerance: Tolerance
) -> None:
    if stored.output_type != new.output_type:
        findings.differ("text", where, stored.output_type, new.output_type)
    elif stored.output_type == "error":
        compare_text(
            f"{stored.ename}: {stored.evalue}", f"{new.ename}: {new.evalue}", findings, where, tolerance
        )
    else:
        _compare_bundles(stored.data, new.data, findings, where, tolerance)


def _compare_bundles(
    stored: dict[str, Any], new: dict[str, Any], findings: Findings, where: str, tolerance: Tolerance
) -> None:
    types = [set(bundle) - RANDOM for bundle in (stored, new)]
    if types[0] != types[1]:
        kind = "figure" if figures.MIME_TYPE in types[0] ^ types[1] else "text"
        findings.differ(kind, where, sorted(types[0]), sorted(types[1]), "other mime types")
        return
    has_content = figures.MIME_TYPE in stored
    for mime_type in sorted(types[0]):
        old, fresh, name = stored[mime_type], new[mime_type], f"{where}, {mime_type}"
        if mime_type == figures.MIME_TYPE:
            figures.compare_figures(old, fresh, findings, f"{where}, figure", tolerance)
        elif mime_type in PICTURES:
            if not has_content:
                _compare_pictures(mime_type, old, fresh, findings, name, tolerance)
        elif mime_type == "text/html":
            # The page of an animation holds random ids and pixels; its frames' content is compared instead.
            if not has_content:
                compare_text(strip_html(old), strip_html(fresh), findings, name, tolerance)
        elif mime_type == "text/plain" and "text/html" in stored and not has_content:
            # The same table once more, with columns cut by the width of a terminal.
            continue
        elif mime_type == "text/plain" and has_content:
            # "<Figure size 640x480 with 1 Axes>" holds no result: it is compared, but counts for nothing.
            words = Findings()
            compare_text(old, fresh, words, name, kind="figure")
            findings.differences += words.differences
        elif isinstance(old, str) and isinstance(fresh, str):
            compare_text(old, fresh, findings, name, tolerance)
        elif old != fresh:
            findings.differ("text", name, old, fresh)


def _compare_pictures(
    mime_type: str, stored: str, new: str, findings: Findings, where: str, tolerance: Tolerance
) -> None:
    if mime_type == "image/png":
        figures.compare_pictures(stored, new, findings, where, tolerance)
    else:
        findings.differ(
            "figure", where, mime_type, mime_type, "only PNG pictures can be compared: show a figure or PNG"
        )


def _stream(outputs: Sequence[NotebookNode], name: str) -> str:
    return "".join(
        output.text for output in outputs if output.output_type == "stream" and output.name == name
    )


def _has_figure(output: NotebookNode) -> bool:
    return bool({figures.MIME_TYPE, *PICTURES} & set(output.get("data", {})))


def _kinds(outputs: Sequence[NotebookNode]) -> str:
    words = ["figure" if _has_figure(output) else output.output_type for output in outputs]
    return ", ".join(words) or "nothing"
