"""Histograms and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Hatches tell overlapping areas and neighbouring bars apart without colour.
HATCHES = ("", "//", "..", "\\\\", "xx", "--", "++", "oo")


def histogram(
    values: Any,
    *,
    labels: Sequence[str] | None = None,
    bins: int | Sequence[float] = 30,
    x: str = "value",
    y: str = "",
    title: str = "",
    density: bool = False,
    limits: tuple[float, float] | None = None,
    yscale: str = "linear",
    axes: Axes | None = None,
) -> Axes:
    """Draw the distribution of one or several sets of values over the same bins.

    Parameters
    ----------
    values : dict of name → array, list of arrays, or one array
        Arrays of any shape are flattened. Values that are not finite are left out and their number is
        named in the label.
    labels : sequence of str, optional
        One per set; by default the names of the dict.
    bins : int or sequence of float
        Number of bins over the range of all sets, or their edges.
    x, y, title : str
        Labels of the axes (y is "count" or "density" by default) and title.
    density : bool
        Whether each area is scaled to 1, for sets of different sizes.
    limits : (float, float), optional
        Range of the bins; values outside are not counted.
    yscale : str
        ``"linear"`` or ``"log"``.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a set has no finite value or the labels do not match.
    """
    theme.check_choice(yscale, "yscale", ("linear", "log", "symlog"))
    sets, names = _sets(values, labels)
    for each in sets:
        theme.check_drawable(each, "values")
    finite = [each[np.isfinite(each)] for each in sets]
    names = [_with_missing(name, each) for name, each in zip(names, sets, strict=True)]
    edges = np.histogram_bin_edges(np.concatenate(finite), bins=bins, range=limits)
    axes = theme.single(axes)
    for index, (each, name) in enumerate(zip(finite, names, strict=True)):
        look = theme.line_style(index)
        heights, _ = np.histogram(each, bins=edges, density=density)
        axes.stairs(heights, edges, fill=True, color=look["color"], alpha=0.25)
        axes.stairs(
            heights,
            edges,
            color=look["color"],
            linestyle=look["linestyle"],
            linewidth=1.8,
            label=name or None,
        )
    theme.finish(axes, x=x, y=y or ("density" if density else "count"), title=title, yscale=yscale)
    theme.legend(axes)
    return axes


def _sets(values: Any, labels: Sequence[str] | None) -> tuple[list[np.ndarray], Sequence[str]]:
    """Return flat arrays and their labels."""
    if isinstance(values, Mapping):
        labels = list(values) if labels is None else labels
        values = list(values.values())
    elif not (isinstance(values, list | tuple) and values and np.ndim(values[0]) > 0):
        values = [values]
    sets = [np.ravel(theme.numbers(each, "values")) for each in values]
    return sets, theme.check_labels(labels, len(sets))


def _with_missing(name: str, values: np.ndarray) -> str:
    """Say in the label how many values are not finite: a silent gap would mislead."""
    missing = int((~np.isfinite(values)).sum())
    return f"{name} ({missing} not finite)".strip() if missing else name


def bars(
    labels: Sequence[str],
    values: Any,
    *,
    errors: Any = None,
    groups: Sequence[str] | None = None,
    x: str = "",
    y: str = "value",
    title: str = "",
    horizontal: bool = False,
    numbers: str = "",
    yscale: str = "linear",
    axes: Axes | None = None,
) -> Axes:
    """Draw one bar, or one bar of each group, per label.

    Parameters
    ----------
    labels : sequence of str
        The m categories.
    values : array, shape (m,) or (g, m), or dict of group → array (m,)
        Lengths of the bars.
    errors : like values, optional
        Half-lengths of the error bars; say in the title or text what they are.
    groups : sequence of str, optional
        Names of the g groups, for the legend.
    x, y, title : str
        Label of the axis of categories, of the axis of values, and title.
    horizontal : bool
        Whether bars lie, the first at the top: for long labels.
    numbers : str
        Format such as ``"{:.2f}"`` to write each value at its bar.
    yscale : str
        Scale of the axis of values, ``"linear"`` or ``"log"``.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the numbers of labels, values and errors differ.
    """
    theme.check_choice(yscale, "yscale", ("linear", "log", "symlog"))
    if isinstance(values, Mapping):
        groups = list(values) if groups is None else groups
        values = list(values.values())
    heights = _table(values, len(labels), "values")
    theme.check_drawable(heights, "values", yscale)
    names = theme.check_labels(groups, len(heights))
    if isinstance(errors, Mapping):
        errors = list(errors.values())
    spreads = None if errors is None else _table(errors, len(labels), "errors")
    if spreads is not None and spreads.shape != heights.shape:
        raise ValueError(f"errors have shape {spreads.shape}, values {heights.shape}: they must agree")
    axes = theme.single(axes)
    thickness = 0.8 / len(heights)
    for index, row in enumerate(heights):
        places = np.arange(len(labels)) + (index - (len(heights) - 1) / 2) * thickness
        draw = axes.barh if horizontal else axes.bar
        drawn = draw(
            places,
            row,
            thickness * 0.94,
            color=theme.COLOURS[index % len(theme.COLOURS)],
            hatch=HATCHES[index % len(HATCHES)],
            edgecolor=theme.BACKGROUND,
            linewidth=0.5,
            label=names[index] or None,
            **({} if spreads is None else {"xerr" if horizontal else "yerr": spreads[index], "capsize": 3}),
        )
        if drawn.errorbar is not None:
            for cap in drawn.errorbar.lines[1]:  # matplotlib gives them the bars' colour from 3.11 on only
                cap.set_color("black")
        if numbers:
            axes.bar_label(drawn, [numbers.format(value) for value in row], padding=2, fontsize=9)
    _category_axis(axes, labels, horizontal=horizontal)
    if yscale != "linear":
        (axes.set_xscale if horizontal else axes.set_yscale)(yscale)
    theme.finish(axes, x=y if horizontal else x, y=x if horizontal else y, title=title)
    if numbers:
        axes.margins(**{"x" if horizontal else "y": 0.12})
    theme.legend(axes)
    return axes


def _table(values: Any, count: int, name: str) -> np.ndarray:
    """Return values (g, m) for m labels."""
    table = np.atleast_2d(theme.numbers(values, name))
    if table.ndim != 2 or table.shape[1] != count:
        raise ValueError(
            f"there are {count} labels, but {name} have shape {table.shape}: one per label is needed"
        )
    return table


def _category_axis(axes: Axes, labels: Sequence[str], *, horizontal: bool) -> None:
    """Write the categories, turned when they would run into each other."""
    axis = axes.yaxis if horizontal else axes.xaxis
    inches = axes.get_position().width * axes.figure.get_size_inches()[0]
    crowded = not horizontal and max(len(str(label)) for label in labels) * 0.09 > inches / len(labels)
    axis.set_ticks(
        np.arange(len(labels)),
        [str(label) for label in labels],
        **({"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if crowded else {}),
    )
    axis.grid(False)
    if horizontal and not axes.yaxis_inverted():
        axes.invert_yaxis()
