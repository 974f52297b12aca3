"""Loss surfaces from above and in perspective, with the paths of optimizers on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from course_utils.descent import Path
    from course_utils.surfaces import Surface


def contours(
    surface: Surface,
    paths: Sequence[Path] | Path = (),
    *,
    levels: int | Sequence[float] = 20,
    log: bool = False,
    resolution: int = 120,
    colour_label: str | None = "loss",
    title: str = "",
    axes: Axes | None = None,
) -> Axes:
    """Draw a surface from above, with paths from their start (circle) to their end (square).

    Parameters
    ----------
    surface : Surface
        Anything with ``grid``, ``domain``, ``axis_names`` and ``minima``.
    paths : sequence of Path, or one Path
        Ways over the surface. What lies outside the domain is not drawn; where a path leaves it for good, a
        cross marks the border.
    levels : int or sequence of float
        Number of contour levels, or their losses.
    log : bool
        Whether levels are equally far apart in the logarithm of the loss.
    resolution : int
        Grid points along each axis.
    colour_label : str or None
        Label of the colour bar. Without one there is no bar.
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
        If the surface has no finite loss, or no positive one for a logarithm.
    """
    paths = listed_paths(paths)
    x, y, loss = surface.grid(theme.check_count(resolution, "resolution"))
    theme.check_drawable(loss, "the surface's loss", "log" if log else "linear")
    loss = np.ma.masked_invalid(loss if not log else np.where(loss > 0, loss, np.nan))
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator

    (x_low, x_high), (y_low, y_high) = surface.domain
    alike = 0.5 <= (y_high - y_low) / (x_high - x_low) <= 2.0
    new = axes is None
    axes = theme.single(axes, height=4.6 if alike else None)
    steps = _levels(loss, levels, log=log)
    outside = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
    filled = axes.contourf(
        x,
        y,
        loss,
        levels=steps,
        cmap="Blues",
        norm=LogNorm(steps[0], steps[-1]) if log else None,
        alpha=0.75,
        extend=outside[int(loss.min() < steps[0]), int(loss.max() > steps[-1])],
    )
    axes.contour(x, y, loss, levels=steps, colors="#5B7083", linewidths=0.5)
    bar = axes.figure.colorbar(filled, ax=axes, label=colour_label) if colour_label is not None else None
    if log and bar is not None:
        near_decades = steps[-1] / steps[0] < 50
        bar.set_ticks(
            LogLocator(subs=(1, 2, 5) if near_decades else (1,)), format="{x:g}" if near_decades else None
        )
        bar.ax.minorticks_off()
    if alike:
        axes.set_aspect("equal")  # a gradient is at right angles to its contour only where both scales agree
    for point in surface.minima:
        axes.plot(
            *point,
            linestyle="none",
            marker="*",
            markersize=14,
            color="#F0E442",
            markeredgecolor="black",
            zorder=6,
        )
    for index, path in enumerate(paths):
        _draw_path(axes, path, index, surface.domain)
    axes.grid(False)
    axes.set(xlim=(x_low, x_high), ylim=(y_low, y_high))
    theme.finish(axes, x=surface.axis_names[0], y=surface.axis_names[1], title=title)
    if any(path.label for path in paths):
        _legend_below(axes, new=new)
    return axes


def _legend_below(axes: Axes, *, new: bool) -> None:
    """Name the paths and their marks below the axes: on them there is no free corner."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    handles, names = axes.get_legend_handles_labels()
    drawn = {line.get_marker() for line in axes.lines if line.get_linestyle() == "None"}
    for marker, name in (("o", "start"), ("s", "end"), ("X", "leaves the domain"), ("*", "minimum")):
        if marker in drawn and new:  # beside other axes there is no room for more than the paths
            look = {"color": "white", "markeredgecolor": "black", "markersize": 8}
            handles.append(Line2D([], [], linestyle="none", marker=marker, **look))
            names.append(name)
    sheet = axes.figure
    widest = max(len(theme.plain(name)) for name in names) * 0.082 + 0.6
    inches = 1.2 * axes.get_position().width * sheet.get_size_inches()[0]
    columns = int(np.clip(inches / widest, 1, len(names)))
    if new:
        sheet.set_size_inches(6.4, sheet.get_size_inches()[1] + 0.22 * -(-len(names) // columns))
    below = axes.transAxes + ScaledTranslation(0, -40 / 72, sheet.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "bbox_transform": below}
    axes.legend(handles, names, ncols=columns, **place)


def listed_paths(paths: Any) -> list[Any]:
    """Return a list of paths, checked."""
    listed = [paths] if hasattr(paths, "points") else list(paths)
    for path in listed:
        if not hasattr(path, "points") or np.ndim(path.points) != 2 or np.shape(path.points)[1] != 2:
            raise TypeError("each path must be a descent.Path, with points of shape (steps + 1, 2)")
    return listed


def _levels(loss: np.ma.MaskedArray, levels: Any, *, log: bool) -> np.ndarray:
    """Return increasing levels between the smallest and the largest loss."""
    if not isinstance(levels, int | np.integer):
        chosen = np.unique(theme.numbers(levels, "levels"))
        if len(chosen) < 2:
            raise ValueError("levels need at least two different losses")
        return chosen
    theme.check_count(levels, "levels")
    low, high = float(loss.min()), float(loss.max())
    if not low < high:
        low, high = low - 0.5, high + 0.5
    if log:
        # One minimum that is nearly 0 would otherwise take most of the levels.
        low = max(low, float(np.percentile(loss.compressed(), 0.1)), high * 1e-9)
        return np.geomspace(low, high, levels + 1)
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(levels, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)


def _draw_path(axes: Axes, path: Any, index: int, domain: Any) -> None:
    """Draw one path with its start, its end, or the place where it leaves the domain."""
    from matplotlib.patheffects import Normal, Stroke

    colour, marker = path_look(index)
    look = {"color": colour, "zorder": 4}
    points = near(path.points, domain)
    # Dashes would tear a zigzag apart; markers along the way tell paths apart as well as colours.
    along = {"marker": marker, "markersize": 4.5, "markevery": max(1, len(points) // 40)}
    halo = [Stroke(linewidth=3.0, foreground=theme.BACKGROUND), Normal()]
    axes.plot(
        *points.T, label=path.label or None, linestyle="-", linewidth=1.5, path_effects=halo, **look, **along
    )
    mark = {"linestyle": "none", "markeredgecolor": "black", "color": look["color"], "zorder": 5}
    axes.plot(*points[0], marker="o", markersize=9, **mark)
    leaving = border(path.points, domain)
    if leaving is None:
        axes.plot(*points[-1], marker="s", markersize=8, **mark)
    else:
        axes.plot(*leaving, marker="X", markersize=10, clip_on=False, **mark)


#: On blue ground a path begins with vermilion; blue itself comes last.
_PATH_ORDER = (1, 4, 2, 7, 5, 3, 6, 0)
#: Markers along a path; the circle, the square and the cross mark its ends.
_ALONG = ("8", "^", "D", "v", "P", "<", "p", ">")


def path_look(index: int) -> tuple[str, str]:
    """Return colour and marker of the path with this number, the same in every figure."""
    return theme.COLOURS[_PATH_ORDER[index % len(_PATH_ORDER)]], _ALONG[index % len(_ALONG)]


def near(points: Any, domain: Any) -> np.ndarray:
    """Return the points with NaN in place of those so far outside that drawing them would overflow."""
    points = np.array(points, dtype=float)
    low, high = np.transpose(np.array(domain, dtype=float))
    reach = 50 * (high - low)
    with np.errstate(invalid="ignore"):
        far = ~((points > low - reach) & (points < high + reach)).all(axis=1)
    points[far] = np.nan
    return points


def last_inside(points: Any, domain: Any) -> int | None:
    """Return the last step at which a path is in the domain, or None when it never is."""
    low, high = np.transpose(np.array(domain, dtype=float))
    with np.errstate(invalid="ignore"):
        inside = ((points >= low) & (points <= high)).all(axis=1)
    return int(np.flatnonzero(inside)[-1]) if inside.any() else None


def border(points: Any, domain: Any) -> np.ndarray | None:
    """Return where (2,) a path leaves the domain for good, or None when it ends inside."""
    points = np.array(points, dtype=float)
    low, high = np.transpose(np.array(domain, dtype=float))
    last = last_inside(points, domain)
    if last in (None, len(points) - 1):
        return None
    start, step = points[last], points[last + 1] - points[last]
    if not np.isfinite(step).all():
        return start
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(step > 0, (high - start) / step, np.where(step < 0, (low - start) / step, np.inf))
    return start + shares.min() * step


def surface(
    surface: Surface,
    paths: Sequence[Path] | Path = (),
    *,
    resolution: int = 60,
    title: str = "",
    zscale: str = "linear",
    z: str = "loss",
    elevation: float = 35.0,
    azimuth: float = -60.0,
    axes: Axes | None = None,
) -> Axes:
    """Draw a surface in perspective, with paths lying on it.

    Parameters
    ----------
    surface : Surface
        Anything with ``grid``, ``domain`` and ``axis_names``.
    paths : sequence of Path, or one Path
        Drawn where they are inside the domain.
    resolution : int
        Grid points along each axis.
    title : str
        What to see.
    zscale : str
        ``"linear"``, or ``"log"`` for the decimal logarithm of the loss.
    z : str
        Name of the loss.
    elevation, azimuth : float
        Direction of view in degrees.
    axes : matplotlib axes with ``projection="3d"``, optional
        Where to draw; a new figure by default.

    Returns
    -------
    mpl_toolkits.mplot3d.axes3d.Axes3D

    Raises
    ------
    ValueError
        If the surface has no finite loss, or no positive one for a logarithm.
    TypeError
        If the axes given are not three-dimensional.
    """
    theme.check_choice(zscale, "zscale", ("linear", "log"))
    paths = listed_paths(paths)
    if axes is not None and getattr(axes, "name", "") != "3d":
        raise TypeError("a surface needs three-dimensional axes: plot.figure(projection='3d')")
    x, y, loss = surface.grid(theme.check_count(resolution, "resolution"))
    theme.check_drawable(loss, "the surface's loss", zscale)
    height = _height(loss, zscale)
    if axes is None:
        axes = theme.figure(projection="3d", width=6.4, height=4.8)
    axes.computed_zorder = False  # else a path is hidden by the surface that it lies on
    axes.plot_surface(
        *np.meshgrid(x, y), height, cmap=theme.SEQUENTIAL, rcount=200, ccount=200, linewidth=0, zorder=1
    )
    for index, path in enumerate(paths):
        low, high = np.transpose(np.array(surface.domain, dtype=float))
        with np.errstate(invalid="ignore"):
            inside = ((path.points >= low) & (path.points <= high)).all(axis=1)
        ground = np.where(inside[:, np.newaxis], path.points, np.nan)
        colour, marker = path_look(index)
        along = {"marker": marker, "markersize": 3.5, "markevery": max(1, len(ground) // 40)}
        heights = np.where(inside, _height(path.losses, zscale), np.nan)
        axes.plot(
            *ground.T, heights, label=path.label or None, linestyle="-", color=colour, zorder=3, **along
        )
        start = {"marker": "o", "markersize": 8, "markeredgecolor": "black", "linestyle": "none"}
        axes.plot(*ground[:1].T, heights[:1], color=colour, zorder=4, **start)
    axes.view_init(elevation, azimuth)
    axes.set_xlabel(surface.axis_names[0], labelpad=6)
    axes.set_ylabel(surface.axis_names[1], labelpad=6)
    axes.set_zlabel(z if zscale == "linear" else f"log₁₀ {z}", labelpad=8)
    axes.locator_params(nbins=5)
    axes.set_box_aspect(None, zoom=0.9)
    if title:
        axes.set_title(title, wrap=True)
    if any(path.label for path in paths):
        axes.legend(loc="upper left")
    return axes


def _height(loss: Any, zscale: str) -> np.ndarray:
    """Return the loss or its logarithm, NaN where it cannot be drawn."""
    loss = np.array(loss, dtype=float)
    loss[~np.isfinite(loss)] = np.nan
    if zscale == "linear":
        return loss
    return np.log10(np.where(loss > 0, loss, np.nan))
