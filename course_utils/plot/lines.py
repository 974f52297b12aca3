"""Lines: curves, bands over seeds, gradient flow, functions beside their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALES = ("linear", "log", "symlog", "logit")


def curves(
    x_values: Any,
    ys: Any,
    /,
    *,
    labels: Sequence[str] | None = None,
    x: str = "x",
    y: str = "y",
    title: str = "",
    xscale: str = "linear",
    yscale: str = "linear",
    axes: Axes | None = None,
) -> Axes:
    """Draw one or several lines over the same x values; they differ in colour and in line style.

    Parameters
    ----------
    x_values : array, shape (n,)
        Positions on the horizontal axis.
    ys : array, shape (n,) or (m, n), or list of m arrays of shape (n,)
        One row per line. An array of shape (n, m) with m ≠ n is taken as its transpose. NaN and infinite
        values leave gaps.
    labels : sequence of str, optional
        One per line, for the legend.
    x, y : str
        Labels of the axes, with units.
    title : str
        What to see.
    xscale, yscale : str
        ``"linear"``, ``"log"``, ``"symlog"`` or ``"logit"``.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If lengths do not agree, a scale is unknown, or nothing could be drawn.
    """
    positions = np.ravel(theme.numbers(x_values, "x"))
    rows = _rows(ys, len(positions))
    names = theme.check_labels(labels, len(rows))
    theme.check_choice(xscale, "xscale", SCALES)
    theme.check_choice(yscale, "yscale", SCALES)
    theme.check_drawable(positions, "x", xscale)
    theme.check_drawable(rows, "y", yscale)
    axes = theme.single(axes)
    first = len(axes.lines)
    for index, (row, name) in enumerate(zip(rows, names, strict=True)):
        axes.plot(positions, row, label=name or None, **theme.line_style(first + index, len(positions)))
    theme.finish(axes, x=x, y=y, title=title, xscale=xscale, yscale=yscale)
    theme.whole_ticks(axes, positions, xscale)
    if labels is not None:
        theme.legend(axes)
    return axes


def _rows(ys: Any, length: int) -> np.ndarray:
    """Return the lines as rows (m, n)."""
    rows = theme.numbers(ys, "y")
    if rows.ndim == 1:
        rows = rows[np.newaxis]
    if rows.ndim == 2 and rows.shape[1] != length and rows.shape[0] == length:
        rows = rows.T
    if rows.ndim != 2 or rows.shape[1] != length:
        raise ValueError(
            f"x has {length} values, but y has shape {rows.shape}: each line needs one value per x"
        )
    return rows


def bands(
    x_values: Any,
    runs: Any,
    /,
    *,
    labels: Sequence[str] | None = None,
    x: str = "x",
    y: str = "y",
    title: str = "",
    centre: str = "mean",
    spread: str = "std",
    xscale: str = "linear",
    yscale: str = "linear",
    axes: Axes | None = None,
) -> Axes:
    """Draw the centre of several runs as a line and their spread as a band, one for each group of runs.

    Parameters
    ----------
    x_values : array, shape (n,)
        Positions on the horizontal axis, such as epochs.
    runs : dict of name → array (seeds, n), list of such arrays, or one such array
        The runs of each group; the names of a dict become labels.
    labels : sequence of str, optional
        One per group, for the legend.
    x, y, title : str
        Labels of the axes and title.
    centre : str
        ``"mean"`` or ``"median"`` over the seeds.
    spread : str
        ``"std"``: one sample standard deviation to both sides, but never beyond the smallest and largest run;
        ``"range"``: from the smallest to the largest run.
    xscale, yscale : str
        As in `curves`.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If a group's shape is not (seeds, n), an option is unknown, or nothing could be drawn.
    """
    theme.check_choice(centre, "centre", ("mean", "median"))
    theme.check_choice(spread, "spread", ("std", "range"))
    theme.check_choice(xscale, "xscale", SCALES)
    theme.check_choice(yscale, "yscale", SCALES)
    positions = np.ravel(theme.numbers(x_values, "x"))
    theme.check_drawable(positions, "x", xscale)
    names, groups = _groups(runs, labels, len(positions))
    for group in groups:
        theme.check_drawable(group, "y", yscale)
    axes = theme.single(axes)
    first = len(axes.lines)
    for index, (name, group) in enumerate(zip(names, groups, strict=True)):
        look = theme.line_style(first + index, len(positions))
        middle, low, high = _summary(group, centre, spread)
        axes.fill_between(positions, low, high, color=look["color"], alpha=0.18, linewidth=0)
        axes.plot(positions, middle, label=name or None, **look)
    theme.finish(axes, x=x, y=y, title=title, xscale=xscale, yscale=yscale)
    theme.whole_ticks(axes, positions, xscale)
    theme.legend(axes)
    return axes


def _groups(runs: Any, labels: Sequence[str] | None, length: int) -> tuple[Sequence[str], list[np.ndarray]]:
    """Return names and arrays (seeds, n) of the groups of runs."""
    if isinstance(runs, Mapping):
        labels = list(runs) if labels is None else labels
        runs = list(runs.values())
    elif not isinstance(runs, list | tuple):
        whole = theme.numbers(runs, "runs")
        runs = list(whole) if whole.ndim == 3 else [whole]
    elif runs and np.ndim(runs[0]) == 1:
        runs = [runs]
    groups = [theme.numbers(group, "runs") for group in runs]
    for group in groups:
        if group.ndim != 2 or group.shape[1] != length:
            raise ValueError(
                f"each group of runs needs the shape (seeds, {length}), one column per x, not {group.shape}"
            )
    return theme.check_labels(labels, len(groups)), groups


def _summary(group: np.ndarray, centre: str, spread: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return middle, lower and upper edge (n,) of runs (seeds, n)."""
    with np.errstate(invalid="ignore", over="ignore"):
        middle = group.mean(axis=0) if centre == "mean" else np.median(group, axis=0)
        low, high = group.min(axis=0), group.max(axis=0)
        if spread == "std":
            deviation = group.std(axis=0, ddof=1) if len(group) > 1 else np.zeros_like(middle)
            low, high = np.maximum(low, middle - deviation), np.minimum(high, middle + deviation)
    return middle, low, high


def flow(
    norms: Mapping[str, Any],
    steps: Any = None,
    *,
    x: str = "step",
    y: str = "gradient norm",
    title: str = "",
    xscale: str = "linear",
    axes: Axes | None = None,
) -> Axes:
    """Draw one gradient norm per layer through training, on a logarithmic axis.

    Parameters
    ----------
    norms : mapping of layer name → array, shape (n,)
        Norms in the order of the layers, such as ``FlowRecorder.norms``; zeros leave gaps.
    steps : array, shape (n,), optional
        Training steps of the columns; 0, 1, 2, … by default.
    x, y, title : str
        Labels of the axes and title.
    xscale : str
        ``"linear"`` or ``"log"``.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The first layer is the darkest line, the last the lightest.

    Raises
    ------
    ValueError
        If there is no layer, a layer has another number of values than steps, or none is positive.
    """
    if not isinstance(norms, Mapping) or not norms:
        raise ValueError("norms must be a dict with one curve per layer, such as FlowRecorder.norms")
    theme.check_choice(xscale, "xscale", SCALES)
    length = len(np.ravel(next(iter(norms.values()))))
    positions = np.arange(length) if steps is None else np.ravel(theme.numbers(steps, "steps"))
    rows = _rows([np.ravel(theme.numbers(curve, "norms")) for curve in norms.values()], len(positions))
    theme.check_drawable(rows, "norms", "log")
    from matplotlib import colormaps

    axes = theme.single(axes)
    shades = colormaps[theme.SEQUENTIAL](np.linspace(0, 0.85, len(rows)))
    for index, (name, row) in enumerate(zip(norms, rows, strict=True)):
        look = theme.line_style(index, len(positions)) | {"color": shades[index]}
        axes.plot(positions, np.where(row > 0, row, np.nan), label=str(name), **look)
    theme.finish(axes, x=x, y=y, title=title, xscale=xscale, yscale="log")
    theme.legend(axes)
    return axes


def function_table(
    functions: Sequence[tuple[str, Callable[[Any], Any], Callable[[Any], Any] | None]],
    *,
    domain: tuple[float, float] = (-4.0, 4.0),
    columns: int = 4,
    x: str = "z",
    limits: tuple[float, float] | None = None,
    title: str = "",
    axes: Any = None,
) -> np.ndarray:
    """Draw functions and their derivatives as small multiples; jumps are left open.

    Parameters
    ----------
    functions : sequence of (name, function, derivative)
        Both take an array (n,) of float32 and return one; the derivative may be None.
    domain : (float, float)
        Interval on which they are drawn.
    columns : int
        Functions beside each other.
    x : str
        Label of the horizontal axes.
    limits : (float, float), optional
        The same vertical limits for all; by default each has its own.
    title : str
        Title above all.
    axes : array of matplotlib.axes.Axes, optional
        At least one for each function; a new figure by default.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (number of functions,)

    Raises
    ------
    ValueError
        If there is no function, the domain is empty, or a function changes the shape of its argument.
    """
    if not functions:
        raise ValueError("function_table needs at least one (name, function, derivative)")
    if not domain[0] < domain[1]:
        raise ValueError(f"the domain must run from a smaller to a larger number, not {domain}")
    theme.check_count(columns, "columns")
    grid = np.linspace(*domain, 801, dtype=np.float32)
    values = [[_values(name, part, grid) for part in parts if part is not None] for name, *parts in functions]
    panels = _panels(axes, len(functions), columns)
    for panel, (name, *_), lines in zip(panels, functions, values, strict=False):
        panel.axhline(0, color=theme.GREY, linewidth=0.8)
        for index, (line, label) in enumerate(zip(lines, ("function", "derivative"), strict=False)):
            panel.plot(grid, line, label=label, **theme.line_style(index))
        theme.finish(panel, title=name)
        panel.locator_params(nbins=4, steps=[1, 2, 5, 10])
        if limits:
            panel.set_ylim(limits)
    for panel in panels[max(0, len(functions) - columns) : len(functions)]:
        panel.set_xlabel(x)
    for panel in panels[: len(functions) : columns]:
        panel.set_ylabel("value")
    if axes is None:
        handles, names = panels[0].get_legend_handles_labels()
        panels[0].figure.legend(handles, names, loc="outside lower center", ncols=2)
        if title:
            panels[0].figure.suptitle(title)
    return panels[: len(functions)]


def _panels(axes: Any, count: int, columns: int) -> np.ndarray:
    """Return at least `count` axes as a flat array, made anew when none are given; the rest is hidden."""
    if axes is None:
        columns = min(columns, count)
        rows = -(-count // columns)
        panels = np.ravel(theme.figure(rows, columns, width=max(4.0, 2.5 * columns), height=2.1 * rows + 0.5))
        for spare in panels[count:]:
            spare.set_visible(False)
        return panels
    panels = np.ravel(axes)
    if len(panels) < count:
        raise ValueError(f"{count} axes are needed, but only {len(panels)} were given")
    return panels


def _values(name: str, function: Callable[[Any], Any], grid: np.ndarray) -> np.ndarray:
    """Return function values (n,), NaN where the function jumps, so that no line joins the two sides."""
    values = theme.numbers(function(grid), name)
    if values.shape != grid.shape:
        raise ValueError(f"{name} must return one value per argument, but {grid.shape} became {values.shape}")
    values = values.copy()
    steps = np.abs(np.diff(values))
    # A slope, however steep, does not rise by 0.4 of the range within 1/800 of the domain; a jump does.
    jumps = (
        steps > 0.4 * max(np.ptp(values[np.isfinite(values)]), 1e-12)
        if np.isfinite(values).any()
        else steps > 0
    )
    values[:-1][jumps] = np.nan
    return values
