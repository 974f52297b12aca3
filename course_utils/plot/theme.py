"""The look of every figure: palette, sizes, titles that wrap, legends that keep off the data."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Eight colours told apart by every reader: six of Okabe and Ito (2008), with a dark grey and a wine red in
#: place of their yellow, which disappears on white. Neighbours differ in lightness as well as in hue.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#3D3D3D", "#E69F00", "#56B4E9", "#882255")
#: One line style per colour, so that a grey print or a colour-blind reader still tells lines apart.
LINE_STYLES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (7, 2)),
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (3, 1)),
    (0, (1, 2.5)),
)
#: One marker per colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

GREY = "#6B6B6B"
LIGHT = "#F2F4F7"
BACKGROUND = "#FFFFFF"
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"


def style() -> None:
    """Set matplotlib's defaults for the course: called by ``setup()``, and harmless to call again.

    The background is opaque white: on a dark page a transparent figure would lose its labels.
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 4.0),
            "figure.dpi": 100,
            "figure.facecolor": BACKGROUND,
            "figure.constrained_layout.use": True,
            "figure.titlesize": 13,
            "savefig.dpi": "figure",
            "savefig.facecolor": BACKGROUND,
            "savefig.transparent": False,
            "font.family": "DejaVu Sans",
            "font.size": 11,
            "axes.facecolor": BACKGROUND,
            "axes.titlesize": 12,
            "axes.titlepad": 8,
            "axes.labelsize": 11,
            "axes.edgecolor": GREY,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.formatter.use_mathtext": True,
            "axes.formatter.limits": (-4, 5),
            "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINE_STYLES),
            "grid.color": "#E3E6EA",
            "grid.linewidth": 0.7,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "xtick.color": "#3D3D3D",
            "ytick.color": "#3D3D3D",
            "lines.linewidth": 2.0,
            "lines.markersize": 6,
            "legend.fontsize": 10,
            "legend.framealpha": 0.9,
            "legend.edgecolor": "#D0D4DA",
            "legend.handlelength": 2.6,
            "image.cmap": SEQUENTIAL,
        }
    )


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float | None = None,
    height: float | None = None,
    sharex: bool = False,
    sharey: bool = False,
    projection: str | None = None,
    title: str = "",
) -> Any:
    """Make a figure and return its axes.

    Parameters
    ----------
    rows, columns : int
        Axes below and beside each other.
    width, height : float, optional
        Size of the whole figure in inches; by default it grows with the rows and columns.
    sharex, sharey : bool
        Whether all axes have the same limits.
    projection : str, optional
        ``"3d"`` for three-dimensional axes.
    title : str
        Title above all axes.

    Returns
    -------
    matplotlib.axes.Axes or numpy.ndarray of them
        One axes; an array (columns,) or (rows,) for a single row or column; else an array (rows, columns).

    Raises
    ------
    ValueError
        If the number of rows or columns is not positive.
    """
    check_count(rows, "rows")
    check_count(columns, "columns")
    import matplotlib.pyplot as plt

    size = (
        width or (6.4 if columns == 1 else min(12.0, 3.9 * columns)),
        height or 4.0 if rows == 1 else height,
    )
    if size[1] is None:
        size = (size[0], 3.1 * rows)
    canvas, axes = plt.subplots(
        rows,
        columns,
        figsize=size,
        sharex=sharex,
        sharey=sharey,
        layout="constrained",
        subplot_kw={"projection": projection} if projection else None,
    )
    for each in np.ravel(axes):
        wrap_title(each)
    if title:
        canvas.suptitle(title)
    return axes


def single(axes: Axes | None, *, width: float | None = None, height: float | None = None) -> Axes:
    """Return the axes given, or those of a new figure; several axes at once are refused."""
    if axes is None:
        return figure(width=width, height=height)
    if not hasattr(axes, "plot"):
        raise TypeError(
            f"axes must be one matplotlib axes, not {type(axes).__name__}: choose one, such as axes[0]"
        )
    return axes


def finish(
    axes: Axes,
    *,
    x: str = "",
    y: str = "",
    title: str = "",
    xscale: str = "linear",
    yscale: str = "linear",
) -> Axes:
    """Write labels and title, leaving alone what is not given."""
    if xscale != "linear":
        axes.set_xscale(xscale)
    if yscale != "linear":
        axes.set_yscale(yscale)
    if x:
        axes.set_xlabel(x)
    if y:
        axes.set_ylabel(y)
    if title:
        wrap_title(axes)
        axes.set_title(title)
    return axes


def whole_ticks(axes: Axes, positions: np.ndarray, scale: str) -> None:
    """Tick the horizontal axis at whole numbers when all positions are whole, such as epochs."""
    if scale == "linear" and np.array_equal(positions, np.round(positions)):
        axes.xaxis.get_major_locator().set_params(integer=True)


def line_style(index: int, points: int = 1000) -> dict[str, Any]:
    """Colour, line style and (for few points) marker of the line with this number."""
    look = {"color": COLOURS[index % len(COLOURS)], "linestyle": LINE_STYLES[index % len(LINE_STYLES)]}
    if points <= 15:
        look["marker"] = MARKERS[index % len(MARKERS)]
    return look


def legend(axes: Axes, *, outside: bool | None = None, title: str = "") -> None:
    """Draw the legend where it covers no data: in a free corner, else to the right of the axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Axes whose labelled artists are named; without any, nothing is drawn.
    outside : bool, optional
        Whether to put it outside; by default only when no corner is free.
    title : str
        Heading of the legend.
    """
    handles, names = axes.get_legend_handles_labels()
    if not handles:
        return
    place = None if outside else _free_corner(axes, names, with_title=bool(title))
    if place is None and outside is not False:
        axes.legend(
            handles, names, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, title=title or None
        )
    else:
        axes.legend(handles, names, loc=place or "best", title=title or None)


def _free_corner(axes: Axes, names: Sequence[str], *, with_title: bool) -> str | None:
    """Return the legend location that covers none of the drawn points, or None when there is none."""
    box = axes.get_position()
    inches = np.array([box.width, box.height]) * axes.figure.get_size_inches()
    points = 10 / 72
    width = (max(len(plain(name)) for name in names) * 0.62 + 5.0) * points / inches[0]
    height = ((len(names) + with_title) * 1.45 + 1.2) * points / inches[1]
    if width > 0.75 or height > 0.85:
        return None
    places = {}
    for vertical, y in (
        ("upper", (1 - height, 1)),
        ("lower", (0, height)),
        ("center", (0.5 - height / 2, 0.5 + height / 2)),
    ):
        for side, x in (("right", (1 - width, 1)), ("left", (0, width))):
            places[f"{vertical} {side}"] = (x, y)
    drawn = _drawn_points(axes)
    for place, (x, y) in places.items():
        inside = (drawn[:, 0] > x[0]) & (drawn[:, 0] < x[1]) & (drawn[:, 1] > y[0]) & (drawn[:, 1] < y[1])
        if not inside.any():
            return place
    return None


def _drawn_points(axes: Axes) -> np.ndarray:
    """Collect points (n, 2), in fractions of the axes, through which something is drawn."""
    axes.autoscale_view()
    to_axes = axes.transData + axes.transAxes.inverted()
    found = []
    for line in axes.lines:
        places = (line.get_transform() + axes.transAxes.inverted()).transform(line.get_xydata())
        steps = np.linspace(0, len(places) - 1, max(400, len(places)))
        found.append(
            np.stack([np.interp(steps, np.arange(len(places)), column) for column in places.T], axis=1)
        )
    for collection in axes.collections:
        offsets = np.ma.filled(collection.get_offsets(), np.nan)
        if len(offsets) > 1:
            found.append(to_axes.transform(offsets))
        else:
            found += [
                to_axes.transform(path.vertices) for path in collection.get_paths() if len(path.vertices)
            ]
    for patch in axes.patches:
        if hasattr(patch, "get_data"):  # the steps of a histogram: the area below them
            heights, edges, _ = patch.get_data()
            middles = np.repeat((edges[1:] + edges[:-1]) / 2, 20)
            below = (heights[:, np.newaxis] * np.linspace(0, 1, 20)).ravel()
            found.append(to_axes.transform(np.stack([middles, below], axis=1)))
            continue
        box = patch.get_window_extent().transformed(axes.transAxes.inverted())
        grid = np.meshgrid(np.linspace(box.x0, box.x1, 7), np.linspace(box.y0, box.y1, 25))
        found.append(np.stack([part.ravel() for part in grid], axis=1))
    if axes.images:
        found.append(np.stack([part.ravel() for part in np.meshgrid(*2 * [np.linspace(0, 1, 30)])], axis=1))
    return np.concatenate(found) if found else np.zeros((0, 2))


def plain(text: str) -> str:
    """Return the text about as long as it will be drawn: mathematics without its mark-up."""
    return re.sub(r"\\[A-Za-z]+", "m", text).translate(str.maketrans("", "", "${}_^"))


@functools.cache
def _wrapping_text() -> type:
    """Make the class of titles that break at the width of their axes and never inside ``$…$``."""
    from matplotlib.text import Text

    class WrappedTitle(Text):
        """A title that keeps to the width of its axes (matplotlib's own wrapping knows only the figure's)."""

        def _get_wrapped_text(self) -> str:
            width = 1.12 * self.axes.bbox.width
            lines = []
            for line in self.get_text().split("\n"):
                current = ""
                for word in re.findall(r"(?:\$[^$]*\$|[^\s$])+", line):
                    longer = f"{current} {word}".strip()
                    if current and self._get_rendered_text_width(longer) > width:
                        lines.append(current)
                        current = word
                    else:
                        current = longer
                lines.append(current)
            return "\n".join(lines)

    return WrappedTitle


def wrap_title(axes: Axes) -> None:
    """Let the title of these axes, whenever it is set, break at their width."""
    if axes.name == "rectilinear" and not axes.title.get_wrap():
        axes.title.__class__ = _wrapping_text()
        axes.title.set_wrap(True)


def numbers(values: Any, name: str) -> np.ndarray:
    """Return the values as an array of floats, or say in one sentence why they are none."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be numbers in a rectangular array, not {type(values).__name__}"
        ) from error


def check_count(count: Any, name: str) -> int:
    """Return a positive whole number, or raise."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {count!r}")
    return int(count)


def check_labels(labels: Sequence[str] | None, count: int) -> Sequence[str]:
    """Return one label per line, or raise when their number differs."""
    if labels is None:
        return [""] * count
    if isinstance(labels, str):
        labels = [labels]
    if len(labels) != count:
        raise ValueError(
            f"there are {count} lines or groups but {len(labels)} labels: give one label for each"
        )
    return [str(label) for label in labels]


def check_choice(value: Any, name: str, choices: Sequence[str]) -> None:
    """Raise unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def check_drawable(values: np.ndarray, name: str, scale: str = "linear") -> None:
    """Raise when nothing could be drawn: no values, none finite, or none positive on a logarithmic axis."""
    if values.size == 0:
        raise ValueError(f"{name} has no values: there is nothing to draw")
    if not np.isfinite(values).any():
        raise ValueError(f"every value of {name} is NaN or infinite: there is nothing to draw")
    if scale == "log" and not (values[np.isfinite(values)] > 0).any():
        raise ValueError(f"no value of {name} is positive, so none can be drawn on a logarithmic axis")
