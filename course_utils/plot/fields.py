"""Fields over a plane: heat maps and the decision regions of classifiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def heatmap(
    values: Any,
    x: Any = None,
    y: Any = None,
    *,
    x_label: str = "",
    y_label: str = "",
    colour_label: str = "",
    title: str = "",
    levels: Sequence[float] | None = None,
    xscale: str = "linear",
    yscale: str = "linear",
    limits: tuple[float, float] | None = None,
    diverging: bool = False,
    log: bool = False,
    cmap: str | None = None,
    numbers: str = "",
    axes: Axes | None = None,
) -> Axes:
    """Draw values over a grid as colours, with a colour bar and, if wanted, contour lines or the numbers.

    Parameters
    ----------
    values : array, shape (m, n)
        One row per y, one column per x, as ``np.meshgrid`` orders them.
    x : array (n,) or sequence of n str, optional
        Positions (increasing or decreasing) or names of the columns.
    y : array (m,) or sequence of m str, optional
        Positions or names of the rows; named rows run from top to bottom, as in a table.
    x_label, y_label, colour_label, title : str
        Labels of the axes and of the colour bar, title.
    levels : sequence of float, optional
        Values at which labelled contour lines are drawn.
    xscale, yscale : str
        ``"linear"`` or ``"log"``.
    limits : (float, float), optional
        Values with the darkest and lightest colour; arrows at the colour bar say when some lie outside.
    diverging : bool
        Whether colours are centred on 0: for values with a sign.
    log : bool
        Whether colours follow the logarithm of the values.
    cmap : str, optional
        Another colour map.
    numbers : str
        Format such as ``"{:.0f}"`` to write each value in its cell: for small tables.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If shapes do not agree, nothing is finite, or options contradict each other.
    """
    field = theme.numbers(values, "values")
    if field.ndim != 2:
        raise ValueError(f"values must have two axes (y, x), not shape {field.shape}")
    if log and diverging:
        raise ValueError("values with a sign have no logarithm: choose either log or diverging")
    theme.check_drawable(field, "values", "log" if log else "linear")
    columns, column_names = _positions(x, field.shape[1], "x", xscale)
    rows, row_names = _positions(y, field.shape[0], "y", yscale)
    low, high = _colour_limits(field, limits, diverging=diverging, log=log)
    from matplotlib.colors import LogNorm, Normalize

    axes = theme.single(axes)
    mesh = axes.pcolormesh(
        _edges(columns, xscale),
        _edges(rows, yscale),
        np.ma.masked_invalid(field),
        cmap=cmap or (theme.DIVERGING if diverging else theme.SEQUENTIAL),
        norm=(LogNorm if log else Normalize)(low, high),
        rasterized=True,
    )
    axes.set_facecolor("#D9D9D9")  # what is not finite shows as grey
    finite = field[np.isfinite(field)]
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
    outside = int(finite.min() < low - 1e-12 * abs(low)), int(finite.max() > high + 1e-12 * abs(high))
    axes.figure.colorbar(mesh, ax=axes, label=colour_label, extend=extend[outside])
    if levels is not None:
        lines = axes.contour(
            columns, rows, field, levels=np.sort(np.ravel(levels)), colors="black", linewidths=1.3
        )
        axes.clabel(lines, fontsize=9)
    if numbers:
        _write_numbers(axes, field, columns, rows, numbers, mesh)
    axes.grid(False)
    theme.finish(axes, x=x_label, y=y_label, title=title, xscale=xscale, yscale=yscale)
    _name_ticks(axes.xaxis, columns, column_names, xscale)
    _name_ticks(axes.yaxis, rows, row_names, yscale)
    if row_names:
        axes.invert_yaxis()
    return axes


def _positions(given: Any, count: int, name: str, scale: str) -> tuple[np.ndarray, list[str]]:
    """Return positions (count,) and, when they are words, their names."""
    theme.check_choice(scale, f"{name}scale", ("linear", "log"))
    if given is None:
        return np.arange(count, dtype=float), []
    listed = list(np.ravel(given)) if not isinstance(given, list | tuple) else list(given)
    if len(listed) != count:
        raise ValueError(f"values have {count} cells along {name}, but {name} has {len(listed)} positions")
    if isinstance(listed[0], str):
        return np.arange(count, dtype=float), [str(each) for each in listed]
    positions = theme.numbers(listed, name)
    steps = np.diff(positions)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ValueError(f"{name} must increase or decrease all along")
    if scale == "log" and positions.min() <= 0:
        raise ValueError(f"{name} must be positive on a logarithmic axis")
    return positions, []


def _name_ticks(axis: Any, places: np.ndarray, names: list[str], scale: str) -> None:
    """Tick a table at its names, and a logarithmic axis with few positions at these."""
    if not names and scale == "log" and len(places) <= 10:
        names = [f"{place:.3g}" for place in places]
    if names:
        axis.set_ticks(places, names)
        axis.set_ticks([], minor=True)


def _edges(positions: np.ndarray, scale: str) -> np.ndarray:
    """Return the n + 1 borders of cells around n positions, halfway on the axis' own scale."""
    places = np.log(positions) if scale == "log" else positions
    if len(places) == 1:
        edges = np.array([places[0] - 0.5, places[0] + 0.5])
    else:
        middle = (places[1:] + places[:-1]) / 2
        edges = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
    return np.exp(edges) if scale == "log" else edges


def _colour_limits(field: np.ndarray, limits: Any, *, diverging: bool, log: bool) -> tuple[float, float]:
    """Return the values with the first and the last colour."""
    if limits is not None:
        low, high = float(limits[0]), float(limits[1])
        if not low < high:
            raise ValueError(f"limits must run from a smaller to a larger value, not {tuple(limits)}")
        if log and low <= 0:
            raise ValueError("limits must be positive when colours follow the logarithm")
        return low, high
    shown = field[np.isfinite(field) & ((field > 0) | (not log))]
    low, high = float(shown.min()), float(shown.max())
    if diverging:
        high = max(abs(low), abs(high))
        low = -high
    return (low, high) if low < high else (low - 0.5 * (not log), 2 * high if log else high + 0.5)


def _write_numbers(
    axes: Axes, field: np.ndarray, columns: np.ndarray, rows: np.ndarray, form: str, mesh: Any
) -> None:
    """Write each value in its cell, black or white, whichever reads better on the cell's colour."""
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            red, green, blue, _ = mesh.cmap(mesh.norm(field[i, j]))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            text = form.format(field[i, j])
            axes.text(
                column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize=9
            )


def decision(
    predict: Callable[[np.ndarray], Any],
    inputs: Any,
    labels: Any,
    *,
    class_names: Sequence[str] | None = None,
    x: str = "x₁",
    y: str = "x₂",
    title: str = "",
    regions: bool = True,
    margin: float = 0.15,
    threshold: float | None = None,
    resolution: int = 150,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw how a classifier divides the plane, with the examples on top; classes differ in colour and marker.

    Parameters
    ----------
    predict : callable
        Takes points (n, 2) of float32 and returns class labels (n,), scores (n, classes) of which the largest
        wins, or one score a point, (n,) or (n, 1), compared with the threshold. A Keras model will do.
    inputs : array, shape (n, 2)
        The examples.
    labels : array, shape (n,)
        Their classes: whole numbers such as 0, 1, 2 or −1, 1.
    class_names : sequence of str, optional
        One for each class, in increasing order of the labels.
    x, y, title : str
        Labels of the axes and title.
    regions : bool
        Whether regions are coloured; the border between classes is drawn in any case.
    margin : float
        Space around the examples, as a share of their range.
    threshold : float, optional
        Score from which a point belongs to the second class; by default 0.5 if all scores lie in [0, 1],
        else 0.
    resolution : int
        Points along each axis at which the classifier is asked.
    limits : ((x_low, x_high), (y_low, y_high)), optional
        The part of the plane to draw, instead of the margin.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If inputs are not (n, 2), labels do not match them, or predict returns another number of points.
    TypeError
        If predict cannot be called.
    """
    if not callable(predict):
        raise TypeError(
            f"predict must be a function or model that takes points (n, 2), not {type(predict).__name__}"
        )
    points = theme.numbers(inputs, "inputs")
    classes, members = np.unique(np.ravel(labels), return_inverse=True)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(
            f"decision regions need inputs of shape (n, 2), not {points.shape}: choose two features"
        )
    if len(members) != len(points):
        raise ValueError(f"there are {len(points)} inputs but {len(members)} labels")
    names = (
        theme.check_labels(class_names, len(classes))
        if class_names is not None
        else [f"class {c}" for c in classes]
    )
    theme.check_count(resolution, "resolution")
    (x_low, x_high), (y_low, y_high) = limits or _around(points, margin)
    columns, rows = np.linspace(x_low, x_high, resolution), np.linspace(y_low, y_high, resolution)
    mesh = np.stack([part.ravel() for part in np.meshgrid(columns, rows)], axis=1).astype(np.float32)
    chosen, borders = _borders(predict(mesh), len(mesh), classes, threshold)
    from matplotlib.colors import ListedColormap, to_rgb

    axes = theme.single(axes)
    colours = [theme.COLOURS[index % len(theme.COLOURS)] for index in range(len(classes))]
    if regions:
        pale = ListedColormap([tuple(0.28 * np.array(to_rgb(colour)) + 0.72) for colour in colours])
        axes.imshow(
            chosen.reshape(resolution, resolution),
            extent=(x_low, x_high, y_low, y_high),
            origin="lower",
            aspect="auto",
            cmap=pale,
            vmin=-0.5,
            vmax=len(classes) - 0.5,
            interpolation="nearest",
        )
    for border in borders:
        if border.min() < 0 < border.max():
            height = border.reshape(resolution, resolution)
            axes.contour(
                columns, rows, height, levels=[0], colors="#3D3D3D", linewidths=1.3, linestyles="solid"
            )
    for index, (colour, name) in enumerate(zip(colours, names, strict=True)):
        axes.scatter(
            *points[members == index].T,
            s=30,
            color=colour,
            marker=theme.MARKERS[index % len(theme.MARKERS)],
            edgecolor="white",
            linewidth=0.6,
            label=name,
            zorder=3,
        )
    axes.grid(False)
    axes.set(xlim=(x_low, x_high), ylim=(y_low, y_high))
    theme.finish(axes, x=x, y=y, title=title)
    theme.legend(axes, outside=True)
    return axes


def _around(points: np.ndarray, margin: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the range of the points with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    space = margin * np.where(high > low, high - low, 1.0)
    return tuple(zip((low - space).tolist(), (high + space).tolist(), strict=True))


def _borders(
    answer: Any, count: int, classes: np.ndarray, threshold: float | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Turn what predict returned into indices of classes (count,) and fields that are 0 at borders."""
    scores = np.asarray(answer)
    if scores.ndim == 2 and scores.shape[1] > 1:
        return _score_borders(scores, count, classes)
    scores = np.ravel(scores)
    if len(scores) != count:
        raise ValueError(f"predict returned {len(scores)} values for {count} points: one for each is needed")
    if threshold is None and np.isin(scores, classes).all():
        chosen = np.searchsorted(classes, scores)
        return chosen, [(chosen == index) - 0.5 for index in range(len(classes))]
    if len(classes) > 2:
        raise ValueError(
            "predict returned one score a point, but there are more than two classes: return labels"
        )
    if threshold is None:
        threshold = 0.5 if scores.min() >= 0 and scores.max() <= 1 else 0.0
    return (scores >= threshold).astype(int), [scores - threshold]


def _score_borders(
    scores: np.ndarray, count: int, classes: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Do so for scores (count, classes), of which the largest wins."""
    if len(scores) != count or scores.shape[1] < len(classes):
        raise ValueError(
            f"predict returned shape {scores.shape} for {count} points and {len(classes)} classes"
        )
    best = scores.argmax(axis=1)
    if scores.shape[1] > len(classes):
        # The columns are the labels 0, 1, 2, …; one without examples is drawn as the nearest class below.
        best = np.searchsorted(classes, best, side="right").clip(1) - 1
        return best, [(best == index) - 0.5 for index in range(len(classes))]
    others = [np.delete(scores, index, axis=1).max(axis=1) for index in range(len(classes))]
    return best, [scores[:, index] - other for index, other in enumerate(others)]
