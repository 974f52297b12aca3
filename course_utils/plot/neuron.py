"""One drawing: a nerve cell beside the unit that imitates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme
from course_utils.plot.diagrams import PAPER, arrow, node, prepare

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Tips of the dendrites, where other cells' axons end; the unit's inputs stand at the same heights.
_HEIGHTS = (1.0, 0.0, -1.0)


def neuron(*, title: str = "", axes: Any = None) -> np.ndarray:
    """Draw a nerve cell and an artificial neuron; counterparts have the same colour.

    Parameters
    ----------
    title : str
        What to see, above both.
    axes : sequence of two matplotlib.axes.Axes, optional
        For the cell and for the unit; a new figure by default.

    Returns
    -------
    numpy.ndarray of two matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If `axes` are given and are not two.
    """
    axes = theme.figure(1, 2, width=11.0, height=3.6, title=title) if axes is None else axes
    axes = np.ravel(np.array(axes, dtype=object))
    if len(axes) != 2:
        raise ValueError(f"a neuron is drawn on two axes, the cell and the unit, not on {len(axes)}")
    _cell(axes[0])
    _unit(axes[1])
    for each in axes:
        each.set(xlim=(-3.35, 3.75), ylim=(-2.1, 1.75))
    return axes


def _cell(axes: Axes) -> None:
    """Draw dendrites with synapses, soma with nucleus, axon with its sheath and terminals."""
    prepare(axes)
    inputs, weights, soma, output = (theme.COLOURS[index] for index in (0, 1, 4, 2))
    for height in _HEIGHTS:
        tip = np.array([-2.3, 1.25 * height])
        _curve(axes, tip, (-0.55, 0.32 * height), colour=inputs, width=4.0)
        for side in (0.22, -0.22):
            synapse = tip + np.array([-0.5, side])
            _curve(axes, synapse, tip, colour=inputs, width=2.4)
            axes.plot(*synapse, "o", color=weights, markersize=7, zorder=5)
    turns = np.linspace(0, 2 * np.pi, 120)
    radius = 0.62 + 0.07 * np.cos(3 * turns)
    axes.fill(radius * np.cos(turns), radius * np.sin(turns), color=PAPER, ec=soma, lw=2, zorder=4)
    axes.plot(0, 0, "o", color=soma, markersize=13, zorder=5)
    axes.plot([0.6, 2.5], [0, 0], color=output, linewidth=4, solid_capstyle="round", zorder=3)
    for left in (0.85, 1.4, 1.95):
        axes.plot([left, left + 0.36], [0, 0], color="#BFE3D5", linewidth=12, zorder=3.5)
    for height in _HEIGHTS:
        _curve(axes, (2.5, 0), (3.15, 0.6 * height), colour=output, width=2.5)
        axes.plot(3.2, 0.6 * height, "o", color=output, markersize=8, zorder=5)
    names = {"synapses": (-2.8, 1), "dendrites": (-1.2, 0), "soma (cell body)": (0.75, 4), "axon": (2.7, 2)}
    _captions(axes, names)
    axes.set_title("Nerve cell")


def _unit(axes: Axes) -> None:
    """Draw inputs, weights, the sum with its bias, the activation and the output."""
    prepare(axes)
    inputs, weights, soma, output = (theme.COLOURS[index] for index in (0, 1, 4, 2))
    for number, height in enumerate(_HEIGHTS, 1):
        start = (-2.5, 1.25 * height)
        arrow(axes, start, (0, 0), gaps=(14, 21), colour=inputs, width=2.2)
        node(axes, start, f"$x_{number}$", size=27)
        middle = (-1.3, 0.65 * height)
        ground = {"boxstyle": "round,pad=0.15", "facecolor": theme.BACKGROUND, "edgecolor": "none"}
        axes.text(*middle, f"$w_{number}$", color=weights, ha="center", va="center", bbox=ground, zorder=5)
    arrow(axes, (0, 1.3), (0, 0), gaps=(12, 21), colour=weights, width=1.6)
    axes.text(0, 1.3, "bias $b$", color=weights, ha="center", va="center")
    node(axes, (0, 0), r"$\Sigma$", size=40)
    arrow(axes, (0, 0), (1.6, 0), gaps=(21, 21), colour=soma, label="")
    axes.text(0.8, 0.2, "$z$", ha="center", va="bottom")
    node(axes, (1.6, 0), "$f$", size=40)
    arrow(axes, (1.6, 0), (3.2, 0), gaps=(21, 13), colour=output, width=2.6)
    node(axes, (3.2, 0), "$y$", size=27, colour="#D9F0E7")
    names = {"inputs": (-2.5, 0), "weights": (-1.2, 1), "sum and activation": (0.85, 4), "output": (3.1, 2)}
    _captions(axes, names)
    axes.set_title("Artificial neuron")


def _captions(axes: Axes, names: dict[str, tuple[float, int]]) -> None:
    """Name the parts, below them and in the colours that both drawings share."""
    for name, (x, colour) in names.items():
        axes.text(x, -1.8, name, color=theme.COLOURS[colour], ha="center", va="center", fontweight="bold")


def _curve(axes: Axes, start: Any, end: Any, *, colour: str, width: float) -> None:
    """Draw a branch that leaves and arrives horizontally."""
    share = np.linspace(0, 1, 30)
    (x, y), (x_end, y_end) = start, end
    axes.plot(
        x + (x_end - x) * share,
        y + (y_end - y) * share**2 * (3 - 2 * share),
        color=colour,
        linestyle="-",
        linewidth=width,
        solid_capstyle="round",
        zorder=3,
    )
