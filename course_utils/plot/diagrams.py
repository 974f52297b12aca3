"""Diagrams: graphs of computations, networks of neurons, timelines."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#3D3D3D"
PAPER = "#E4EFF7"


def graph(
    nodes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, ...]] = (),
    *,
    labels: Mapping[str, str] | None = None,
    colours: Mapping[str, str] | None = None,
    directed: bool = True,
    size: float = 34.0,
    title: str = "",
    axes: Axes | None = None,
) -> Axes:
    """Draw named nodes joined by arrows, such as the graph of a computation.

    Parameters
    ----------
    nodes : mapping of name → (x, y)
        Places of the nodes, one unit apart or more; x runs to the right, y upwards.
    edges : sequence of (from, to) or (from, to, label)
        Arrows between nodes. Two nodes may be joined in both directions: the arrows bend apart.
    labels : mapping of name → str, optional
        What is written on a node in place of its name; an empty text leaves it blank.
    colours : mapping of name → colour, optional
        Fill of single nodes, a pale colour; the others are pale blue.
    directed : bool
        Whether edges have arrow heads.
    size : float
        Diameter of a round node in points; a node with a long text becomes a box.
    title : str
        What to see.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure, sized by the places of the nodes, by default.

    Returns
    -------
    matplotlib.axes.Axes
        Without ticks, x and y to the same scale.

    Raises
    ------
    ValueError
        If there is no node, or an edge, label or colour names a node that is not there.
    """
    if not nodes:
        raise ValueError("a graph needs at least one node")
    for edge in edges:
        if len(edge) not in (2, 3):
            raise ValueError(f"an edge is (from, to) or (from, to, label), not {edge!r}")
    named = [name for edge in edges for name in edge[:2]] + list(labels or ()) + list(colours or ())
    for name in named:
        if name not in nodes:
            raise ValueError(f"there is no node {name!r}; there are {', '.join(map(repr, nodes))}")
    places = theme.numbers(list(nodes.values()), "places of nodes")
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError("each node needs a place (x, y)")
    if axes is None:
        extent = np.ptp(places, axis=0) + 1.0
        axes = theme.single(
            None,
            width=float(np.clip(1.15 * extent[0], 3, 11)),
            height=float(np.clip(1.0 * extent[1], 1.6, 7)),
        )
    prepare(axes)
    written = {name: (labels or {}).get(name, str(name)) for name in nodes}
    pairs = {tuple(edge[:2]) for edge in edges}
    for origin, target, *text in edges:
        bend = 0.18 if (target, origin) in pairs else 0.0
        start, end = np.array(nodes[origin], dtype=float), np.array(nodes[target], dtype=float)
        gaps = [_radius(written[name], size, end - start) for name in (origin, target)]
        arrow(axes, start, end, label=text[0] if text else "", gaps=gaps, head=directed, bend=bend)
    for name, place in nodes.items():
        node(axes, place, written[name], colour=(colours or {}).get(name, PAPER), size=size)
    axes.set(
        xlim=(places[:, 0].min() - 0.55, places[:, 0].max() + 0.55),
        ylim=(places[:, 1].min() - 0.55, places[:, 1].max() + 0.55),
    )
    return theme.finish(axes, title=title)


def prepare(axes: Axes) -> None:
    """Make axes a sheet to draw on: no frame, no ticks, x and y to the same scale."""
    axes.set_aspect("equal")
    axes.axis("off")


def node(
    axes: Axes, place: Sequence[float], text: str = "", *, colour: str = PAPER, size: float = 34.0
) -> None:
    """Draw one node: a circle of `size` points, or a box when the text is too long for it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    place : (x, y)
        Its centre.
    text : str
        What is written on it.
    colour : str
        Fill.
    size : float
        Diameter in points.
    """
    if _is_long(text, size):
        box = {"boxstyle": "round,pad=0.5", "facecolor": colour, "edgecolor": INK, "linewidth": 1.3}
        axes.text(*place, text, ha="center", va="center", fontsize=10, bbox=box, zorder=4)
        return
    axes.plot(
        *place,
        linestyle="none",
        marker="o",
        markersize=size,
        color=colour,
        markeredgecolor=INK,
        markeredgewidth=1.3,
        zorder=3,
    )
    if text:
        axes.text(*place, text, ha="center", va="center", fontsize=min(12.0, 0.36 * size), zorder=4)


def arrow(
    axes: Axes,
    start: Sequence[float],
    end: Sequence[float],
    *,
    label: str = "",
    gaps: Sequence[float] = (0.0, 0.0),
    head: bool = True,
    bend: float = 0.0,
    colour: str = INK,
    width: float = 1.3,
) -> None:
    """Draw one arrow, its label at the middle.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    start, end : (x, y)
        Its ends.
    label : str
        Text at its middle, on a white ground.
    gaps : (float, float)
        Points left free at both ends, such as the radius of a node.
    head : bool
        Whether it has a head.
    bend : float
        How far it bows out, as a share of its length.
    colour : str
        Its colour.
    width : float
        Line width in points.
    """
    from matplotlib.patches import FancyArrowPatch

    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>" if head else "-",
            mutation_scale=13,
            shrinkA=gaps[0],
            shrinkB=gaps[1],
            connectionstyle=f"arc3,rad={bend}",
            color=colour,
            linewidth=width,
            zorder=2,
        )
    )
    if label:
        across = np.array([end[1] - start[1], start[0] - end[0]])
        middle = (start + end) / 2 + bend / 2 * across
        ground = {"boxstyle": "round,pad=0.15", "facecolor": theme.BACKGROUND, "edgecolor": "none"}
        axes.text(*middle, label, ha="center", va="center", fontsize=10, bbox=ground, zorder=5)


def _is_long(text: str, size: float) -> bool:
    return "\n" in text or len(theme.plain(text)) * 0.6 * min(12.0, 0.36 * size) > 0.92 * size


def _radius(text: str, size: float, direction: np.ndarray) -> float:
    """Return how many points of an arrow in this direction a node covers."""
    if not _is_long(text, size):
        return size / 2 + 1.0
    lines = text.split("\n")
    half = np.array([max(len(theme.plain(line)) for line in lines) * 3.1 + 6.0, len(lines) * 7.0 + 5.0])
    shares = np.abs(direction) / half
    return float(np.linalg.norm(direction) / max(shares.max(), 1e-12)) + 1.0


def network(
    layer_sizes: Sequence[int],
    *,
    labels: Sequence[str] | None = None,
    most: int = 8,
    weights: Sequence[Any] | None = None,
    title: str = "",
    axes: Axes | None = None,
) -> Axes:
    """Draw a fully connected network, its layers from left to right.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of neurons of each layer, the inputs first.
    labels : sequence of str, optional
        One per layer, below it; by default "input", "hidden", …, "output" with the sizes.
    most : int
        A larger layer shows this many places, one of them three dots.
    weights : sequence of arrays (n_in, n_out), optional
        Kernels, drawn as line widths; negative ones are vermilion and dashed, positive ones blue. Only for
        networks that are drawn whole.
    title : str
        What to see.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there are fewer than two layers, a size is not positive, or labels or weights do not match.
    """
    sizes = [theme.check_count(size, "a layer's size") for size in layer_sizes]
    if len(sizes) < 2:
        raise ValueError("a network needs at least an input and an output layer: give two sizes or more")
    if theme.check_count(most, "most") < 3:
        raise ValueError("most must be at least 3: a neuron above and one below the dots")
    hidden = [""] if len(sizes) == 3 else [f" {index}" for index in range(1, len(sizes) - 1)]
    names = ["input", *[f"hidden{number}" for number in hidden[: len(sizes) - 2]], "output"]
    names = [f"{name}\n{size}" for name, size in zip(names, sizes, strict=True)]
    names = theme.check_labels(labels, len(sizes)) if labels is not None else names
    kernels = _kernels(weights, sizes, most)
    wide, high = 2.0 * (len(sizes) - 1) + 1.4, 0.6 * min(max(sizes), most) + 1.1
    if axes is None:
        axes = theme.single(None, width=min(11.0, 0.8 * wide), height=min(0.8, 11.0 / wide) * high + 0.4)
    axes = theme.single(axes)
    prepare(axes)
    places = [_layer_places(2.0 * index, size, most) for index, size in enumerate(sizes)]
    for layer, (before, after) in enumerate(itertools.pairwise(places)):
        _connect(axes, before, after, None if kernels is None else kernels[layer])
    bottom = -0.5 * (min(max(sizes), most) - 1) * 0.6 - 0.45
    for index, (layer, name) in enumerate(zip(places, names, strict=True)):
        shade = PAPER if 0 < index < len(sizes) - 1 else "#FFFFFF" if index == 0 else "#FBE6D6"
        real = layer[np.isfinite(layer[:, 1])]
        axes.plot(
            *real.T, linestyle="none", marker="o", markersize=16, color=shade, markeredgecolor=INK, zorder=3
        )
        if len(real) < sizes[index]:
            axes.text(2.0 * index, 0, "⋮", ha="center", va="center", fontsize=14, zorder=4)
        axes.text(2.0 * index, bottom, name, ha="center", va="top", fontsize=10)
    axes.set(xlim=(-0.7, 2.0 * (len(sizes) - 1) + 0.7), ylim=(bottom - 0.6, -bottom))
    return theme.finish(axes, title=title)


def _layer_places(x: float, size: int, most: int) -> np.ndarray:
    """Return places (n, 2) of a layer's neurons; NaN stands for the dots."""
    shown = min(size, most)
    heights = (np.arange(shown)[::-1] - (shown - 1) / 2) * 0.6
    if size > most:
        heights[np.abs(heights) < 0.45] = np.nan
    return np.stack([np.full(shown, x), heights], axis=1)


def _connect(axes: Axes, before: np.ndarray, after: np.ndarray, kernel: np.ndarray | None) -> None:
    """Draw the connections of two layers as one collection."""
    from matplotlib.collections import LineCollection

    ends = [(i, j) for i in range(len(before)) for j in range(len(after))]
    ends = [(i, j) for i, j in ends if np.isfinite(before[i, 1]) and np.isfinite(after[j, 1])]
    looks: dict[str, Any] = {"colors": "#9AA5B1", "linewidths": 0.8}
    if kernel is not None:
        values = np.array([kernel[i, j] for i, j in ends])
        looks = {
            "colors": [theme.COLOURS[0] if value >= 0 else theme.COLOURS[1] for value in values],
            "linestyles": ["-" if value >= 0 else "--" for value in values],
            "linewidths": 0.2 + 3.5 * np.abs(values) / max(float(np.abs(values).max()), 1e-12),
        }
    axes.add_collection(LineCollection([(before[i], after[j]) for i, j in ends], zorder=1, **looks))


def _kernels(weights: Any, sizes: Sequence[int], most: int) -> list[np.ndarray] | None:
    """Return kernels (n_in, n_out) checked against the sizes, or None."""
    if weights is None:
        return None
    if max(sizes) > most:
        raise ValueError(
            f"weights are drawn for networks of at most {most} neurons a layer, not {max(sizes)}"
        )
    kernels = [theme.numbers(kernel, "weights") for kernel in weights]
    wanted = list(itertools.pairwise(sizes))
    if [kernel.shape for kernel in kernels] != wanted:
        raise ValueError(f"weights need the shapes {wanted}, not {[kernel.shape for kernel in kernels]}")
    return kernels


def timeline(
    events: Sequence[tuple[float, str]],
    *,
    x: str = "year",
    title: str = "",
    wrap: int = 20,
    axes: Axes | None = None,
) -> Axes:
    """Draw events along an axis of years, their texts above and below it.

    Parameters
    ----------
    events : sequence of (year, text)
        In any order; long texts are wrapped.
    x : str
        Label of the axis.
    title : str
        What to see.
    wrap : int
        Letters in a line of text.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new wide figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no event, or one is not (year, text).
    """
    try:
        dated = sorted((float(year), str(text)) for year, text in events)
    except (TypeError, ValueError) as error:
        raise ValueError("each event of a timeline is (year, text)") from error
    if not dated:
        raise ValueError("a timeline needs at least one event")
    theme.check_count(wrap, "wrap")
    texts = [f"{year:.0f}\n" + textwrap.fill(text, wrap, break_long_words=False) for year, text in dated]
    years = np.array([year for year, _ in dated])
    span = max(float(np.ptp(years)), 1.0)
    new = axes is None
    axes = theme.single(axes, width=10.0, height=4.0)
    inches = axes.get_position().width * axes.figure.get_size_inches()[0]
    half = (
        np.array([max(len(line) for line in text.split("\n")) for text in texts])
        * 0.044
        * span
        * 1.25
        / inches
    )
    levels = _levels(years, half)
    rise = 1.0 + 0.62 * max(text.count("\n") for text in texts)
    heights = np.where(levels > 0, 0.7 + (levels - 1) * rise, -0.7 + (levels + 1) * rise)
    if new:
        axes.figure.set_size_inches(10.0, 0.24 * (np.ptp(heights) + 2 * rise) + 1.0)
    axes.axhline(0, color=INK, linewidth=2, zorder=1)
    axes.vlines(years, 0, heights, color=theme.GREY, linewidth=1, zorder=1)
    axes.plot(
        years,
        np.zeros_like(years),
        linestyle="none",
        marker="o",
        markersize=9,
        color=theme.COLOURS[1],
        zorder=3,
    )
    ground = {"boxstyle": "round,pad=0.3", "facecolor": theme.LIGHT, "edgecolor": "#C5CCD4"}
    for year, text, height in zip(years, texts, heights, strict=True):
        axes.text(
            year,
            height,
            text,
            ha="center",
            va="bottom" if height > 0 else "top",
            fontsize=9.5,
            bbox=ground,
            zorder=2,
        )
    side = max(float(half.max()), 0.05 * span)
    axes.set(
        xlim=(years[0] - side, years[-1] + side),
        ylim=(min(0, heights.min()) - rise, max(0, heights.max()) + rise),
    )
    axes.set_yticks([])
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    return theme.finish(axes, x=x, title=title)


def _levels(years: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return for each event the row (1, −1, 2, −2, …) nearest to the axis in which its text is free."""
    free: dict[int, float] = {}
    chosen = []
    for index, (year, width) in enumerate(zip(years, half, strict=True)):
        side = 1 if index % 2 == 0 else -1
        rows = [sign * row for row in range(1, len(years) + 1) for sign in (side, -side)]
        row = next(row for row in rows if free.get(row, -np.inf) <= year - width)
        free[row] = year + width
        chosen.append(row)
    return np.array(chosen)
