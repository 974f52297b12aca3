"""Architectures: the layers of a functional Keras model as boxes, joined as its graph joins them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import diagrams, theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

#: Half the width and half the height of a box, in units of the grid on which boxes stand.
HALF = np.array([0.41, 0.36])
#: Layers that join several inputs are drawn in this colour, layers with weights in blue, others in white.
JOIN = "#FBE6D6"
#: Inches of a figure for a column and for a row of boxes; a figure is wide enough for its title.
COLUMN, ROW, NARROWEST, WIDEST = 1.25, 0.85, 6.4, 12.0
#: A layer wider than this many letters is broken between the words of its name.
LETTERS = 13


def architecture(model: Any, *, title: str = "", axes: Axes | None = None) -> Axes:
    """Draw the layers of a functional model from left to right, each with its kernel and its output's shape.

    A layer stands one column behind the last of the layers it reads (the longest path); what skips columns
    has a lane of its own there. No system package is needed.

    Parameters
    ----------
    model : keras.Model
        Functional or ``Sequential``, built.
    title : str
        What to see.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure, sized by the graph, by default.

    Returns
    -------
    matplotlib.axes.Axes
        Without ticks; boxes with weights are blue, those that join several inputs orange, others white.

    Raises
    ------
    ValueError
        If the model has no graph of layers (it is subclassed or not built).
    """
    layers, edges = _graph(model)
    places, lanes = _places(len(layers), edges)
    spots = np.array([*places.values(), *(spot for lane in lanes.values() for spot in lane)])
    low, high = spots.min(axis=0) - 0.5, spots.max(axis=0) + 0.5
    if axes is None:
        columns, rows = high - low
        width = float(np.clip(COLUMN * columns, NARROWEST, WIDEST))
        axes = theme.single(None, width=width, height=ROW * rows + (0.4 if title else 0.1))
        spare = max(width / COLUMN - columns, 0) / 2
        low[0], high[0] = low[0] - spare, high[0] + spare
    axes.axis("off")
    for edge in edges:
        _join(axes, [places[edge[0]], *lanes[edge], places[edge[1]]])
    joining = {target for _, target in edges if sum(edge[1] == target for edge in edges) > 1}
    for index, layer in enumerate(layers):
        colour = JOIN if index in joining else diagrams.PAPER if layer.weights else theme.BACKGROUND
        _box(axes, places[index], _written(layer), colour)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return theme.finish(axes, title=title)


def _graph(model: Any) -> tuple[list[Any], list[tuple[int, int]]]:
    """Return the layers in their order and the edges (from, to) between their positions."""
    layers = list(getattr(model, "layers", ()))
    try:
        made = {id(tensor): index for index, layer in enumerate(layers) for tensor in _flat(layer.output)}
        if getattr(model, "inputs", None) and not any(id(tensor) in made for tensor in model.inputs):
            # A Sequential model does not list its input.
            layers = [_Input(model.inputs[0]), *layers]
            made = {id(model.inputs[0]): 0} | {key: index + 1 for key, index in made.items()}
        read = [[] if _is_input(layer) else [id(tensor) for tensor in _flat(layer.input)] for layer in layers]
        pairs = ((made[tensor], index) for index, tensors in enumerate(read) for tensor in tensors)
        edges = list(dict.fromkeys(pairs))  # a layer may read the same tensor twice
    except (AttributeError, KeyError) as error:
        raise ValueError("only a functional or a built Sequential model has a graph to draw") from error
    if not edges:
        raise ValueError("only a functional or a built Sequential model has a graph to draw")
    return layers, edges


class _Input:
    """What stands for the input of a Sequential model."""

    def __init__(self, tensor: Any) -> None:
        self.output, self.weights = tensor, []


def _is_input(layer: Any) -> bool:
    return type(layer).__name__ in ("InputLayer", "_Input")


def _flat(tensors: Any) -> Sequence[Any]:
    return tensors if isinstance(tensors, list | tuple) else [tensors]


def _places(
    count: int, edges: Sequence[tuple[int, int]]
) -> tuple[dict[int, np.ndarray], dict[tuple[int, int], list[np.ndarray]]]:
    """Return the place of each layer, and for each edge the places where it passes other columns."""
    column = [0] * count
    for origin, target in sorted(edges, key=lambda edge: edge[1]):
        column[target] = max(column[target], column[origin] + 1)
    parents: dict[Any, list[Any]] = {index: [] for index in range(count)}
    standing: list[list[Any]] = [[] for _ in range(max(column) + 1)]
    for index in range(count):
        standing[column[index]].append(index)
    for origin, target in edges:
        before: Any = origin
        for passed in range(column[origin] + 1, column[target]):
            spot = (origin, target, passed)
            standing[passed].insert(0, spot)
            parents[spot], before = [before], spot
        parents[target].append(before)
    height: dict[Any, float] = {}
    for row in standing:
        # Barycentres: each stands as near to what it reads as it can; a skipping edge passes above.
        row.sort(key=lambda each: np.mean([height[parent] for parent in parents[each]] or [0.0]))
        for place, each in enumerate(row):
            height[each] = place - (len(row) - 1) / 2
    places = {index: np.array([column[index], -height[index]]) for index in range(count)}
    lanes = {
        (origin, target): [
            np.array([passed, -height[origin, target, passed]])
            for passed in range(column[origin] + 1, column[target])
        ]
        for origin, target in edges
    }
    return places, lanes


def _join(axes: Axes, spots: Sequence[np.ndarray]) -> None:
    """Draw one edge through its spots, an arrow head at its end."""
    side = np.array([HALF[0], 0.0])
    path = [spots[0] + side]
    for spot in spots[1:-1]:
        path += [spot - side, spot + side]
    if len(path) > 1:
        axes.plot(*np.transpose(path), color=diagrams.INK, linestyle="-", linewidth=1.3, zorder=1)
    diagrams.arrow(axes, path[-1], spots[-1] - side)


def _box(axes: Axes, place: np.ndarray, text: str, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner, size = place - HALF, 2 * HALF
    axes.add_patch(
        FancyBboxPatch(
            corner,
            *size,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=colour,
            edgecolor=diagrams.INK,
            linewidth=1.2,
            zorder=3,
        )
    )
    axes.text(*place, text, ha="center", va="center", fontsize=9, linespacing=1.1, zorder=4)


def _written(layer: Any) -> str:
    """Return the kind of a layer with its kernel, and its output's shape, on two or three lines."""
    kind = "Input" if _is_input(layer) else type(layer).__name__
    name = {"BatchNormalization": "BatchNorm", "GlobalAveragePooling2D": "Global avg"}.get(
        kind, kind.replace("Pooling2D", " pool").replace("2D", "")
    )
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if window and "Global" not in kind:
        name += " " + "×".join(str(side) for side in window)
        stride = max(_flat(getattr(layer, "strides", 1)))
        name += f" /{stride}" if stride > 1 else ""
    squash = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if squash not in ("linear", "relu") and not kind.startswith("Activation"):
        name += f" {squash}"
    if len(name) > LETTERS:
        name = re.sub(r" (?=\d)|(?<=[a-z])(?=[A-Z])", "\n", name, count=1)
    return f"{name}\n{_shape(_flat(layer.output)[0])}"


def _shape(tensor: Any) -> str:
    return "×".join("?" if side is None else str(side) for side in tensor.shape[1:])
