"""Mean average precision, and boxes on images."""

import math

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from course_utils import CourseError, detection, figure_content, plot
from course_utils.datasets import Split

LEFT, RIGHT = [0.1, 0.1, 0.5, 0.4], [0.4, 0.6, 0.9, 0.9]
NOTHING = [0.0, 0.0, 0.0, 0.0]


def split(boxes, labels):
    images = np.zeros((len(boxes), 20, 20, 1), np.float32)
    return Split(images, np.array(labels), boxes=np.array(boxes, np.float32))


@pytest.fixture
def three():
    """Three images: two objects of two classes, one object, none."""
    return split([[LEFT, RIGHT], [RIGHT, NOTHING], [NOTHING, NOTHING]], [[3, 7], [3, -1], [-1, -1]])


def test_what_is_there_found_is_perfect(three):
    result = detection.evaluate(three.boxes, three.labels, np.ones((3, 2)), three)
    assert result == {
        "mAP@0.5": 1.0,
        "mAP@0.75": 1.0,
        "mAP@[.5:.95]": 1.0,
        "AP@0.5": {3: pytest.approx(1), 7: pytest.approx(1)},
    }


def test_lists_of_any_length_are_as_good_as_filled_arrays(three):
    boxes = [np.array([LEFT, RIGHT]), np.array([LEFT]), []]
    labels, scores = [[3, 7], [3], []], [[0.9, 0.2], [0.8], []]
    filled = np.zeros((3, 2, 4))
    filled[0], filled[1, 0] = boxes[0], boxes[1][0]
    kinds, sure = np.array([[3, 7], [3, -1], [-1, -1]]), np.array([[0.9, 0.2], [0.8, np.nan], [0.5, 0.5]])
    lists, arrays = (
        detection.evaluate(*given, three) for given in ((boxes, labels, scores), (filled, kinds, sure))
    )
    assert lists == arrays
    assert lists["AP@0.5"] == {3: pytest.approx(51 / 101), 7: pytest.approx(1)}
    assert lists["mAP@0.5"] == pytest.approx((51 / 101 + 1) / 2)


def test_precision_is_interpolated_at_101_recalls():
    # Right, wrong, right: recall 1/2 at precision 1, recall 1 at precision 2/3.
    truth = split([[LEFT, RIGHT]], [[0, 0]])
    boxes = [[LEFT, [0.6, 0.0, 1.0, 0.2], RIGHT]]
    result = detection.evaluate(boxes, [[0, 0, 0]], [[0.9, 0.8, 0.7]], truth)
    assert result["mAP@0.5"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    late = detection.evaluate(boxes, [[0, 0, 0]], [[0.9, 0.1, 0.7]], truth)
    assert late["mAP@0.5"] == pytest.approx(1)


def test_thresholds_are_those_of_coco():
    # The detection covers 0.72 of the object: enough for 0.5, 0.55, 0.6, 0.65 and 0.7.
    truth = split([[[0.0, 0.0, 0.5, 0.5]]], [[1]])
    result = detection.evaluate([[[0.0, 0.0, 0.5, 0.36]]], [[1]], [[0.5]], truth)
    means = [result[name] for name in ("mAP@0.5", "mAP@0.75", "mAP@[.5:.95]")]
    assert means == pytest.approx([1, 0, 0.5])


def test_a_second_box_on_the_same_object_is_wrong():
    truth = split([[LEFT, RIGHT]], [[0, 0]])
    twice = detection.evaluate([[LEFT, LEFT, RIGHT]], [[0, 0, 0]], [[0.9, 0.8, 0.7]], truth)
    assert twice["mAP@0.5"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_boxes_on_an_image_without_objects_cost_precision(three):
    boxes, labels = [*three.boxes[:2], np.array([LEFT])], [[3, 7], [3, -1], [3]]
    result = detection.evaluate(boxes, labels, [[0.8, 0.7], [0.6, 0], [0.9]], three)
    assert result["AP@0.5"] == {3: pytest.approx(2 / 3), 7: pytest.approx(1)}


def test_images_are_as_wide_as_they_are():
    wide = Split(np.zeros((1, 10, 40, 1)), np.array([[0]]), boxes=np.array([[[0, 0, 0.5, 0.5]]]))
    result = detection.evaluate([[[0, 0, 0.5, 0.36]]], [[0]], [[1]], wide)
    assert result["mAP@[.5:.95]"] == pytest.approx(0.5)


def test_nothing_found_is_zero_and_nothing_to_find_is_not_defined(three):
    nothing = [np.zeros((0, 4))] * 3, [[]] * 3, [[]] * 3
    result = detection.evaluate(*nothing, three)
    assert result.pop("AP@0.5") == {3: 0, 7: 0}
    assert set(result.values()) == {0}
    empty = split([[NOTHING]], [[-1]])
    result = detection.evaluate([[LEFT]], [[0]], [[1]], empty)
    assert result.pop("AP@0.5") == {}
    assert all(math.isnan(value) for value in result.values())


def test_classes_that_are_nowhere_do_not_count(three):
    boxes = [*three.boxes[:2], np.array([LEFT])]
    result = detection.evaluate(boxes, [[3, 7], [3, -1], [5]], [[1, 1], [1, 1], [1]], three)
    assert result["mAP@0.5"] == pytest.approx(1)


def test_evaluation_prints_nothing(three, capsys):
    detection.evaluate(three.boxes, three.labels, np.ones((3, 2)), three)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("boxes", "labels", "scores", "message"),
    [
        ([[LEFT]], [[0]], [[1]], "3 images in the split, but boxes of 1"),
        ([[LEFT]] * 3, [[0]] * 2, [[1]] * 3, "labels of 2"),
        ([[LEFT]] * 3, [[0]] * 3, [[1], [1, 2], [1]], "Image 1 needs boxes"),
        ([[LEFT], [LEFT], [[0, 1]]], [[0]] * 3, [[1]] * 3, "Image 2 needs boxes"),
        ([[LEFT]] * 3, [[0]] * 3, [[1], [1], [np.nan]], "score of image 2 is not a finite"),
        ([[LEFT], [[0, 0, np.inf, 1]], [LEFT]], [[0]] * 3, [[1]] * 3, "score of image 1 is not a finite"),
    ],
)
def test_bad_detections_are_named(three, boxes, labels, scores, message):
    with pytest.raises(CourseError, match=message):
        detection.evaluate(boxes, labels, scores, three)


def test_a_split_without_boxes_cannot_be_evaluated():
    plain = Split(np.zeros((1, 4, 4, 1)), np.zeros(1))
    with pytest.raises(CourseError, match="with boxes"):
        detection.evaluate([[LEFT]], [[0]], [[1]], plain)


def test_boxes_are_drawn_in_pixels_of_the_image():
    panel = plot.images(np.zeros((1, 20, 40)))[0]
    same = plot.boxes(panel, [[0.25, 0.5, 0.75, 1.0], NOTHING], texts=["7", "none"], label="objects")
    assert same is panel
    (drawn,) = panel.collections
    (box,) = drawn.get_paths()
    assert box.vertices[:4].tolist() == [[19.5, 4.5], [39.5, 4.5], [39.5, 14.5], [19.5, 14.5]]
    assert drawn.get_label() == "objects"
    assert panel.get_xlim() == (-0.5, 39.5)
    (text,) = panel.texts
    assert (text.get_text(), text.get_position(), text.get_va()) == ("7", (19.5, 4.5), "bottom")


def test_a_text_stays_inside_and_kinds_of_boxes_are_named():
    panel = plot.images(np.zeros((1, 20, 20)))[0]
    plot.boxes(panel, [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], texts=["1", "2"], label="found", linestyle="--")
    assert [text.get_va() for text in panel.texts] == ["top", "bottom"]
    assert panel.get_legend_handles_labels()[1] == ["found"]
    plot.boxes(panel, [], colour="white")
    assert [len(drawn.get_paths()) for drawn in panel.collections] == [2, 0]
    kinds = [each["kind"] for each in figure_content.figure_content(panel.figure)["axes"][0]["artists"]]
    assert "polygons" in kinds


@pytest.mark.parametrize(
    ("places", "options", "message"),
    [
        ([[0, 0, 1]], {}, r"shape \(m, 4\)"),
        ([0, 0, 1, 1], {}, r"shape \(m, 4\)"),
        ([[0, 0, 1, 1]], {"texts": ["a", "b"]}, "labels"),
    ],
)
def test_boxes_say_what_is_wrong(places, options, message):
    panel = plot.images(np.zeros((1, 20, 20)))[0]
    with pytest.raises(ValueError, match=message):
        plot.boxes(panel, places, **options)


def test_boxes_need_an_image():
    with pytest.raises(ValueError, match=r"plot\.images"):
        plot.boxes(plot.figure(), [[0, 0, 1, 1]])
