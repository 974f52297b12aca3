"""The transfer cells of lecture 17's full profile run without a download, on random weights and records."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tools.notebook_files import ROOT

NOTEBOOK = ROOT / "notebooks" / "17_augmentation_transfer.ipynb"
# The imports, and the section whose base is MobileNetV2 in profiles full and smoke.
CELLS = ("s0-code-2", "s9-code-")
pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


@pytest.fixture(scope="module")
def names():
    """Run the cells in profile smoke, in their order, and return the names that they define."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    chosen = [cell for cell in cells if cell["cell_type"] == "code" and cell["id"].startswith(CELLS)]
    assert len(chosen) >= 6, "the transfer section's cells have other ids"
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "smoke")
        tf.config.run_functions_eagerly(True)  # a step each: tracing would take most of the time
        try:
            for cell in chosen:
                exec(compile("".join(cell["source"]), cell["id"], "exec"), found)
        finally:
            tf.config.run_functions_eagerly(False)
    return found


def test_the_base_is_mobilenet_without_a_head(names):
    assert "mobilenetv2" in names["base"].name
    assert names["base"].output.shape == (None, 1280)
    assert names["classifier"].output.shape == (None, 5)


def test_the_probe_leaves_the_base_as_it_was(names):
    assert names["largest_change"](names["before"][1], names["after_probe"][1]) == 0


def test_fine_tuning_changes_the_base(names):
    assert names["largest_change"](names["after_probe"][1], names["after_tuning"][1]) > 0


def test_the_statistics_of_the_normalisation_stay(names):
    assert len(names["before"][0]) == 2 * 52  # mean and variance of each normalisation
    assert names["largest_change"](names["before"][0], names["after_tuning"][0]) == 0


def test_the_accuracies_are_percentages(names):
    for name in ("probe_accuracy", "fine_accuracy"):
        assert 0 <= names[name] <= 100
        assert np.isfinite(names[name])


def test_a_failed_download_is_said_and_the_lecture_goes_on(names, monkeypatch, capsys):
    keras = names["keras"]

    def without_network(*, weights, **_):
        if weights == "imagenet":
            raise Exception("URL fetch failure on https://example.org")
        return "a base with random weights"

    monkeypatch.setattr(keras.applications, "MobileNetV2", without_network)
    assert names["imagenet_base"]((64, 64, 3), "imagenet") == "a base with random weights"
    said = capsys.readouterr().out.strip()
    assert said.startswith("The ImageNet weights could not be fetched")
    assert "\n" not in said
