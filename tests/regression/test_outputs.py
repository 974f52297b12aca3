"""The outputs of a cell: streams, results, tables, errors, pictures."""

import base64
import io

import numpy as np
import pytest
from nbformat.v4 import new_output

from tests.regression.notebooks import display, stream
from tests.regression.outputs import compare_outputs, normalise
from tests.regression.tags import Tolerance


def kinds(stored, new, **widths):
    return [found.kind for found in compare_outputs(stored, new, Tolerance(**widths)).differences]


def picture(pixels):
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, pixels, format="png")
    return display(image_png=base64.b64encode(file.getvalue()).decode())


def test_pieces_of_a_stream_are_one_text():
    assert not kinds([stream("a 0.1 b")], [stream("a "), stream("0.1"), stream(" b\n")])


def test_streams_are_compared_apart():
    pieces = [stream("out"), stream("err", "stderr"), stream("put")]
    assert [output.text for output in normalise(pieces)] == ["output", "err"]


def test_stderr_that_is_not_stored_fails():
    assert kinds([stream("fine")], [stream("fine"), stream("Warning: 1", "stderr")]) == ["text"]


def test_stderr_that_is_stored_passes():
    stored = [stream("fine"), stream("Warning: 1", "stderr")]
    assert not kinds(stored, [stored[1], stored[0]])


def test_a_missing_output_fails():
    assert kinds([display(text_plain="3")], []) == ["text"]
    assert kinds([], [display(text_plain="3")]) == ["text"]


def test_a_missing_figure_is_noticed_as_a_figure():
    assert kinds([display(image_png="aa", text_plain="<Figure>")], []) == ["figure"]


def test_the_type_of_an_output():
    assert kinds([display(text_plain="3")], [display(text_markdown="3")]) == ["text"]
    result = new_output("execute_result", data={"text/plain": "3"}, execution_count=7)
    assert kinds([display(text_plain="3")], [result]) == ["text"]


def test_counts_are_not_compared():
    results = [new_output("execute_result", data={"text/plain": "3"}, execution_count=n) for n in (7, 8)]
    assert not kinds(results[:1], results[1:])


def test_tables_are_compared_by_their_text():
    table = "<table class='{}'><tr><td>{}</td></tr></table>"
    assert not kinds(
        [display(text_html=table.format("a", 0.12))], [display(text_html=table.format("b", 0.13))]
    )
    assert kinds([display(text_html=table.format("a", 0.12))], [display(text_html=table.format("a", 0.14))])


def test_a_widget_is_compared_by_its_text():
    def slider(model, value):
        output = display(text_plain=f"IntSlider(value={value})")
        output.data["application/vnd.jupyter.widget-view+json"] = {"model_id": model}
        return output

    assert not kinds([slider("a", 3)], [slider("b", 3)])
    assert kinds([slider("a", 3)], [slider("a", 4)])


def test_an_error_on_purpose_is_compared_by_its_message():
    def error(message, line):
        return new_output("error", ename="ValueError", evalue=message, traceback=[f"line {line}"])

    assert not kinds([error("shape 3", 10)], [error("shape 3", 99)])
    assert kinds([error("shape 3", 10)], [error("shape 4", 10)]) == ["number"]


def test_pictures_without_content_are_compared_by_blocks():
    pixels = np.random.default_rng(0).uniform(size=(40, 40, 3))
    mirrored = pixels[:, ::-1]
    noisy = np.clip(pixels + 0.01 * np.sin(np.arange(40))[:, None, None], 0, 1)
    assert not kinds([picture(pixels)], [picture(noisy)])
    assert kinds([picture(pixels)], [picture(mirrored)]) == ["figure"]
    assert kinds([picture(pixels)], [picture(pixels[:30])]) == ["figure", "figure"]


def test_pictures_of_other_kinds_are_refused():
    assert kinds([display(image_jpeg="aa")], [display(image_jpeg="aa")]) == ["figure"]


def test_counts_of_what_was_compared():
    findings = compare_outputs([stream("0.1 and 3")], [stream("0.1 and 3")])
    assert (findings.numbers, findings.figures) == (2, 0)


@pytest.mark.parametrize("widths", [{"rtol": 0.1}, {"atol": 5}])
def test_tags_reach_every_text(widths):
    assert not kinds([display(text_plain="50")], [display(text_plain="53")], **widths)
