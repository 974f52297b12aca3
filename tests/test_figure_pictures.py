"""Pictures of figures are stored small where the eye sees no difference."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from course_utils.figure_content import smaller


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.fixture
def drawing():
    """Make a white sheet with a shaded square and two thin lines in colours of the course."""
    sheet = np.full((200, 300, 3), 255, np.uint8)
    sheet[40:160, 40:260] = np.linspace(150, 250, 220)[:, np.newaxis].astype(np.uint8)
    sheet[60, 50:90] = (0xD5, 0x5E, 0x00)
    sheet[61:100, 50] = (0x00, 0x9E, 0x73)
    return sheet


def test_a_drawing_shrinks_and_looks_the_same(drawing):
    rng = np.random.default_rng(0)
    drawing[40:160, 40:260] += rng.integers(0, 5, (120, 220, 3), dtype=np.uint8)
    small = smaller(png(drawing))
    assert len(small) < 0.9 * len(png(drawing))
    assert np.abs(pixels(small) - drawing).max() <= 24
    assert tuple(pixels(small)[0, 0]) == (255, 255, 255)
    assert tuple(pixels(small)[60, 70]) == (0xD5, 0x5E, 0x00)
    assert tuple(pixels(small)[80, 50]) == (0x00, 0x9E, 0x73)


def test_text_in_base_64_stays_text(drawing):
    small = smaller(base64.b64encode(png(drawing)).decode("ascii"))
    assert isinstance(small, str)
    assert base64.b64decode(small) == smaller(png(drawing))


def test_what_needs_more_colours_or_transparency_is_left_alone():
    rng = np.random.default_rng(1)
    photograph = png(rng.integers(0, 256, (100, 100, 3), dtype=np.uint8))
    assert smaller(photograph) is photograph
    glass = np.full((50, 50, 4), 200, np.uint8)
    glass[..., 3] = 128
    clear = png(glass)
    assert smaller(clear) is clear
    opaque = np.full((50, 50, 4), 255, np.uint8)
    assert Image.open(io.BytesIO(smaller(png(opaque)))).mode == "P"
