"""Figures of the course: every function takes and returns matplotlib axes and labels them.

One subject a module: ``theme`` (colours, figures, legends), ``lines`` (curves and their bands),
``statistics`` (histograms and bars), ``pictures`` (images), ``boxes`` (boxes on them), ``fields`` (heat maps,
decision regions), ``landscapes`` (loss surfaces), ``animation`` (the player), ``racing`` (paths side by side
in time), ``sliders`` (one value to turn), ``diagrams`` (networks, graphs, timelines), ``architecture`` (a
Keras model's layers) and ``neuron`` (a nerve cell beside its model). pyplot is imported with the first
figure, TensorFlow never.
"""

from course_utils.plot.animation import Animation, animate
from course_utils.plot.architecture import architecture
from course_utils.plot.boxes import boxes
from course_utils.plot.diagrams import graph, network, timeline
from course_utils.plot.fields import decision, heatmap
from course_utils.plot.landscapes import contours, surface
from course_utils.plot.lines import bands, curves, flow, function_table
from course_utils.plot.neuron import neuron
from course_utils.plot.pictures import images
from course_utils.plot.racing import race
from course_utils.plot.sliders import slider
from course_utils.plot.statistics import bars, histogram
from course_utils.plot.theme import COLOURS, LINE_STYLES, MARKERS, figure, legend, style

__all__ = [
    "COLOURS",
    "LINE_STYLES",
    "MARKERS",
    "Animation",
    "animate",
    "architecture",
    "bands",
    "bars",
    "boxes",
    "contours",
    "curves",
    "decision",
    "figure",
    "flow",
    "function_table",
    "graph",
    "heatmap",
    "histogram",
    "images",
    "legend",
    "network",
    "neuron",
    "race",
    "slider",
    "style",
    "surface",
    "timeline",
]
