"""What one artist of a figure shows, as a few comparable quantities.

Two drawings of the same data agree in these quantities whatever the pixels do: a line is kept by its values
at nine fixed indices, an image by the means of 8 x 8 blocks, a scatter by a smoothed 8 x 8 histogram.
Quantiles would be shorter, but they cannot tell a curve from its mirror image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

PLACES = 9
BLOCKS = 8
MANY_PATCHES = 24
CLASSES = 12
# A range below this share of the values themselves is rounding noise.
CONSTANT = 1e-6

Content = dict[str, Any]


class Frame:
    """The axes around an artist: where "large" and "small" are measured.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes the artist belongs to.
    """

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.names = ("x", "y", "z") if hasattr(axes, "get_zlim") else ("x", "y")

    def limits(self, name: str) -> tuple[float, float]:
        """Return the limits of axis `name` as (low, high)."""
        low, high = getattr(self.axes, f"get_{name}lim")()
        return float(min(low, high)), float(max(low, high))

    def scale(self, name: str) -> str:
        """Return the name of the scale of axis `name`."""
        return getattr(self.axes, f"get_{name}scale")()

    def sequence(self, values: Any, name: str, places: int = PLACES) -> Content:
        """Return the quantity of a sequence along axis `name`."""
        return sequence(values, places=places, axis=self.limits(name), scale=self.scale(name))


def sequence(
    values: Any, *, places: int = PLACES, axis: tuple[float, float] | None = None, scale: str = "linear"
) -> Content:
    """Return a sequence by its values at fixed, evenly spaced indices.

    Parameters
    ----------
    values : array of shape (n,)
        Numbers; masked and NaN entries count as missing.
    places : int
        The largest number of values kept; a shorter sequence is kept whole.
    axis : pair of float, optional
        Limits of the axis on which the values are drawn.
    scale : str
        Name of that axis' scale; on a "log" axis values are later compared by their logarithms.

    Returns
    -------
    dict
        "values", "range" (smallest and largest finite value), and where they say something "axis", "scale"
        and "missing" (count of values that are not finite). Numbers stand side by side in one string: JSON
        in a notebook would otherwise give each a line of its own.
    """
    import numpy as np

    numbers = _floats(values).ravel()
    indices = np.unique(np.linspace(0, max(len(numbers) - 1, 0), places).round().astype(int))
    kept = numbers[indices] if len(numbers) else numbers
    return quantity(kept, numbers, axis=axis, scale=scale)


def quantity(
    kept: np.ndarray, numbers: np.ndarray, *, axis: tuple[float, float] | None = None, scale: str = "linear"
) -> Content:
    """Return `kept` with the range and the missing values of all `numbers` it stands for."""
    import numpy as np

    finite = numbers[np.isfinite(numbers)]
    extent = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    content: Content = {
        "values": _rounded(kept, extent, scale),
        "range": _rounded(np.array(extent), extent, scale),
    }
    if axis is not None:
        content["axis"] = _rounded(np.array(axis), axis, scale)
    if scale != "linear":
        content["scale"] = scale
    if finite.size < numbers.size:
        content["missing"] = int(numbers.size - finite.size)
    return content


def blocks(values: Any, *, axis: tuple[float, float] | None = None, scale: str = "linear") -> Content:
    """Return an image by the means of at most 8 x 8 blocks.

    Parameters
    ----------
    values : array of shape (rows, columns) or (rows, columns, channels)
        The image; on a log colour scale the means are those of the logarithms.
    axis : pair of float, optional
        Limits of the colour scale.
    scale : str
        "log" for a logarithmic colour scale.

    Returns
    -------
    dict
        A quantity as of `sequence`, "values" nested as rows of blocks.
    """
    import numpy as np

    numbers = _floats(values)
    if scale == "log":
        numbers = np.log10(np.where(numbers > 0, numbers, np.nan))
        axis = None if axis is None or axis[0] <= 0 else (float(np.log10(axis[0])), float(np.log10(axis[1])))
    channels = numbers.reshape(*numbers.shape[:2], -1)
    rows = np.array_split(channels, min(BLOCKS, len(channels))) if channels.size else []
    means = [
        [_mean(block) for block in np.array_split(row, min(BLOCKS, row.shape[1]), axis=1)] for row in rows
    ]
    kept = np.array(means)
    if kept.ndim == 3 and kept.shape[2] == 1:
        kept = kept[..., 0]
    return quantity(kept, numbers, axis=axis)


def shares(
    x: Any, y: Any, limits: tuple[tuple[float, float], tuple[float, float]], weights: Any = None
) -> list[str]:
    """Return which share of all points lies where, smoothed over an 8 x 8 grid of nodes.

    Every point is shared out among its four nearest nodes, nearer ones getting more. So a tiny move of a
    point changes the histogram a little, wherever the point lies; with plain bins a point on an edge would
    jump.

    Parameters
    ----------
    x, y : array of shape (n,)
        Positions.
    limits : pair of pairs
        ((x_low, x_high), (y_low, y_high)) of the grid; points outside count at its border.
    weights : array of shape (n,), optional
        Weights of the points, 1 by default.

    Returns
    -------
    list of str
        Rows (along y) of the shares in percent; they sum to the mean weight.
    """
    import numpy as np

    grid = np.zeros((BLOCKS, BLOCKS))
    x, y = _floats(x).ravel(), _floats(y).ravel()
    weights = np.ones(len(x)) if weights is None else _floats(weights).ravel()
    valid = np.isfinite(x) & np.isfinite(y) & np.isfinite(weights)
    column, right = _nodes(x[valid], limits[0])
    row, upper = _nodes(y[valid], limits[1])
    for up, vertical in ((0, 1 - upper), (1, upper)):
        for over, horizontal in ((0, 1 - right), (1, right)):
            np.add.at(grid, (row + up, column + over), vertical * horizontal * weights[valid])
    percent = 100 * grid / max(len(x), 1)
    return [" ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in row) for row in percent]


def describe_artist(artist: Artist, axes: Axes) -> Content | None:
    """Return what one artist shows.

    Parameters
    ----------
    artist : matplotlib.artist.Artist
        A line, collection, patch, image or text.
    axes : matplotlib.axes.Axes
        The axes it is drawn in.

    Returns
    -------
    dict or None
        Its kind, label, look and quantities; None for what carries no content (an empty text, a spine).
    """
    for name, describe in _describers():
        if any(parent.__name__ == name for parent in type(artist).__mro__):
            content = describe(artist, Frame(axes))
            if content is None:
                return None
            label = str(artist.get_label() or "")
            return ({} if label.startswith("_") or not label else {"label": label}) | content
    return None


def colour(value: Any) -> str:
    """Return a colour as #rrggbb, with two more digits where it is transparent, or "none"."""
    from matplotlib.colors import to_hex

    if value is None or (isinstance(value, str) and value == "none"):
        return "none"
    name = to_hex(value, keep_alpha=True)
    return name.removesuffix("ff") if len(name) == 9 else name


def _describers() -> list[tuple[str, Any]]:
    # By the names of classes, most special first: importing mplot3d only to ask would cost every figure.
    return [
        ("Line2D", _line),
        ("Quiver", _quiver),
        ("ContourSet", _contours),
        ("Poly3DCollection", _surface),
        ("Line3DCollection", _segments_3d),
        ("Path3DCollection", _scatter_3d),
        ("QuadMesh", _mesh),
        ("PathCollection", _scatter),
        ("LineCollection", _segments),
        ("Collection", _polygons),
        ("_ImageBase", _image),
        ("Rectangle", _rectangle),
        ("StepPatch", _steps),
        ("FancyArrowPatch", _arrow),
        ("Patch", _patch),
        ("Text", _text),
    ]


def _line(line: Any, frame: Frame) -> Content:
    is_3d = hasattr(line, "get_data_3d")
    data = line.get_data_3d() if is_3d else line.get_data(orig=False)
    content: Content = {"kind": "line", "points": len(data[0]), "colour": colour(line.get_color())}
    content["style"] = str(line.get_linestyle())
    content["width"] = round(float(line.get_linewidth()), 2)
    marker = line.get_marker()
    if marker not in (None, "None", "", " "):
        content["marker"] = str(marker)
    if line.get_drawstyle() != "default":
        content["drawing"] = line.get_drawstyle()
    for name, values in zip(frame.names, data, strict=False):
        content[name] = frame.sequence(values, name)
    return content


def _image(image: Any, frame: Frame) -> Content:
    import numpy as np

    values = np.ma.filled(np.ma.masked_invalid(np.ma.asarray(image.get_array(), dtype=float)), np.nan)
    content: Content = {"kind": "image", "shape": " x ".join(map(str, values.shape))}
    low, high = (0.0, 255.0) if values.ndim == 3 and np.nanmax(values, initial=0) > 1 else (0.0, 1.0)
    if values.ndim == 2:
        low, high = map(float, image.get_clim())
        content |= _colours(image)
    if hasattr(image, "get_extent"):
        extent = image.get_extent()
        content["x"] = frame.sequence(extent[:2], "x")
        content["y"] = frame.sequence(extent[2:], "y")
        content["origin"] = image.origin
    return content | {"blocks": blocks(values, axis=(low, high), scale=_colour_scale(image))}


def _mesh(mesh: Any, frame: Frame) -> Content:
    import numpy as np

    corners = mesh.get_coordinates()
    values = np.ma.filled(np.ma.asarray(mesh.get_array(), dtype=float), np.nan)
    if values.ndim == 1:
        faces = tuple(size - 1 for size in corners.shape[:2])
        values = values.reshape(faces if values.size == faces[0] * faces[1] else corners.shape[:2])
    content: Content = {"kind": "mesh", "shape": " x ".join(map(str, values.shape))} | _colours(mesh)
    content["x"] = frame.sequence(corners[0, :, 0], "x")
    content["y"] = frame.sequence(corners[:, 0, 1], "y")
    limits = tuple(map(float, mesh.get_clim()))
    return content | {"blocks": blocks(values, axis=limits, scale=_colour_scale(mesh))}


def _contours(contours: Any, frame: Frame) -> Content:
    levels = _floats(contours.levels)
    scale = _colour_scale(contours)
    content: Content = {"kind": "filled contours" if contours.filled else "contours"} | _colours(contours)
    content["levels"] = sequence(levels, places=MANY_PATCHES, scale=scale)
    if contours.get_array() is None or len(_floats(contours.get_array())) == 0:
        content["colours"] = [colour(value) for value in contours.get_edgecolor()[:CLASSES]]
    limits = (frame.limits("x"), frame.limits("y"))
    field = _contoured_field(contours, limits, scale)
    if field is not None:
        return content | {"blocks": field}
    describe = _filled_shares if contours.filled else _contour_shares
    return content | describe(contours.get_paths(), limits)


def _contoured_field(contours: Any, limits: Any, scale: str) -> Content | None:
    """Return the field below the contours in 8 x 8 blocks of the axes, seen at 32 x 32 points in 32 steps.

    Contour lines themselves jump where the field is level, and the data are not kept; but what drew the lines
    can draw others.
    """
    import numpy as np

    generator = getattr(contours, "_contour_generator", None)
    fill = getattr(generator, "filled", None) or getattr(generator, "create_filled_contour", None)
    low, high = float(contours.zmin), float(contours.zmax)
    if fill is None or not np.isfinite([low, high]).all():
        return None
    is_log = scale == "log" and low > 0
    heights = (np.geomspace if is_log else np.linspace)(low, high, 4 * BLOCKS + 1)
    middles = np.sqrt(heights[1:] * heights[:-1]) if is_log else (heights[1:] + heights[:-1]) / 2
    heights[0] -= max(abs(low), 1e-12) * 1e-9
    heights[-1] += max(abs(high), 1e-12) * 1e-9
    if not (np.diff(heights) > 0).all():
        return None
    grid = _places(limits)
    field = np.full(len(grid), np.nan)
    for below, above, middle in zip(heights[:-1], heights[1:], middles, strict=True):
        for path in _paths(fill(below, above)):
            field[_inside(path, grid)] = middle
    square = field.reshape(4 * BLOCKS, 4 * BLOCKS)
    content = blocks(square, axis=(low, high), scale="log" if is_log else "linear")
    # How many points lie just outside a ragged border says nothing about the field.
    content.pop("missing", None)
    return content


def _paths(filled: Any) -> list[Any]:
    """Return filled polygons with their holes, as contourpy gives them, as paths."""
    from matplotlib.path import Path

    return [Path(points, codes) for points, codes in zip(*filled, strict=True) if points is not None]


def _inside(path: Any, points: np.ndarray) -> np.ndarray:
    """Return which points lie in a polygon but not in its holes: `contains_points` alone counts those too."""
    import numpy as np

    starts = [0] if path.codes is None else np.flatnonzero(path.codes == path.MOVETO)
    inside = np.zeros(len(points), dtype=bool)
    for ring in np.split(path.vertices, starts[1:]):
        inside ^= type(path)(ring).contains_points(points)
    return inside


def _places(limits: Any) -> np.ndarray:
    """Return 32 x 32 points spread over the axes."""
    import numpy as np

    edges = [np.linspace(low, high, 4 * BLOCKS + 1) for low, high in limits]
    return np.stack(np.meshgrid(*((edge[1:] + edge[:-1]) / 2 for edge in edges)), axis=-1).reshape(-1, 2)


def _filled_shares(paths: Sequence[Any], limits: Any) -> Content:
    """Which band lies where: the mean band number in 8 x 8 blocks of the axes, seen at 32 x 32 points."""
    import numpy as np

    grid = _places(limits)
    band = np.full(len(grid), np.nan)
    for number, path in enumerate(paths):
        if len(path.vertices):
            band[_inside(path, grid)] = number
    square = band.reshape(4 * BLOCKS, 4 * BLOCKS)
    return {"bands": blocks(np.where(np.isfinite(square), square, -1.0), axis=(-1.0, float(len(paths))))}


def _contour_shares(paths: Sequence[Any], limits: Any) -> Content:
    """Where contour lines run and how high they are: shares of their length, plain and weighted by level."""
    import numpy as np

    middles, lengths, heights = [], [], []
    size = np.array([max(high - low, 1e-300) for low, high in limits])
    for number, path in enumerate(paths):
        for polygon in (
            path._iter_connected_components() if hasattr(path, "_iter_connected_components") else [path]
        ):
            vertices = np.asarray(polygon.vertices)
            if len(vertices) < 2:
                continue
            middles.append((vertices[1:] + vertices[:-1]) / 2)
            lengths.append(np.linalg.norm(np.diff(vertices, axis=0) / size, axis=1))
            heights.append(np.full(len(vertices) - 1, (number + 1) / len(paths)))
    if not middles:
        return {"lines": 0}
    middle, length, height = np.concatenate(middles), np.concatenate(lengths), np.concatenate(heights)
    weight = length / max(length.mean(), 1e-300)
    return {
        "length": sequence([length.sum()]),
        "where": {"shares": shares(*middle.T, limits, weight)},
        "heights": {"shares": shares(*middle.T, limits, weight * height)},
    }


def _surface(surface: Any, frame: Frame) -> Content:
    import numpy as np

    if hasattr(surface, "_faces"):
        faces = np.array(surface._faces, dtype=float)
        invalid = np.broadcast_to(getattr(surface, "_invalid_vertices", False), faces.shape[:2])
        faces[invalid] = np.nan
        centres = np.array([_mean(face) for face in faces])
    else:  # matplotlib before 3.10 keeps all corners in one array
        vertices = np.asarray(surface._vec)[:3].T
        centres = np.array([_mean(vertices[piece]) for piece in surface._segslices])
    content: Content = {"kind": "surface", "faces": len(centres)} | _colours(surface)
    (x_low, x_high), (y_low, y_high) = frame.limits("x"), frame.limits("y")
    sums = np.zeros((BLOCKS, BLOCKS))
    counts = np.zeros((BLOCKS, BLOCKS))
    column = _bins(centres[:, 0], x_low, x_high)
    row = _bins(centres[:, 1], y_low, y_high)
    valid = np.isfinite(centres[:, 2])
    np.add.at(sums, (row[valid], column[valid]), centres[valid, 2])
    np.add.at(counts, (row[valid], column[valid]), 1)
    with np.errstate(invalid="ignore"):
        means = sums / counts
    return content | {"blocks": quantity(means, centres[:, 2], axis=frame.limits("z"))}


def _scatter(scatter: Any, frame: Frame) -> Content:
    import numpy as np

    offsets = np.ma.filled(np.ma.asarray(scatter.get_offsets(), dtype=float), np.nan)
    return _cloud(scatter, frame, {"x": offsets[:, 0], "y": offsets[:, 1]})


def _scatter_3d(scatter: Any, frame: Frame) -> Content:
    values = [_floats(part) for part in scatter._offsets3d]
    return _cloud(scatter, frame, dict(zip("xyz", values, strict=True)))


def _cloud(scatter: Any, frame: Frame, data: dict[str, np.ndarray]) -> Content:
    """Points by colour: for each of at most 12 colours (or class values) where its points lie."""
    import numpy as np

    count = len(data["x"])
    content: Content = {"kind": "scatter", "points": count} | _colours(scatter)
    paths = scatter.get_paths()
    if len(paths) == 1:
        content["marker_corners"] = len(paths[0].vertices)
    for name, values in data.items():
        extent = quantity(np.empty(0), values, axis=frame.limits(name), scale=frame.scale(name))
        content[name] = extent | {"values": extent["range"]}
    positions = [_along(data[name], frame, name) for name in ("x", "y")]
    unit = ((0.0, 1.0), (0.0, 1.0))
    kinds, names, values = _classes(scatter, count)
    content["groups"] = [
        {"colour": name, "shares": shares(*positions, unit, kinds == number)}
        for number, name in enumerate(names)
    ]
    if values is not None:
        low, high = scatter.get_clim()
        height = (values - low) / max(high - low, 1e-300)
        content["colour_by_place"] = {"shares": shares(*positions, unit, height)}
    if "z" in data:
        height = _along(data["z"], frame, "z")
        content["height_by_place"] = {"shares": shares(*positions, unit, height)}
    return content


def _classes(scatter: Any, count: int) -> tuple[np.ndarray, list[str], np.ndarray | None]:
    """Return each point's group, the names of the groups, and the colour values when they form no groups."""
    import numpy as np

    array = scatter.get_array()
    if array is not None and np.size(array) == count and count:
        values = _floats(array).ravel()
        found, kinds = np.unique(values, return_inverse=True)
        if len(found) <= CLASSES:
            return kinds.ravel(), [f"{value:.6g}" for value in found], None
        return np.zeros(count, int), ["scale"], values
    faces = scatter.get_facecolor()
    faces = faces if len(faces) else scatter.get_edgecolor()
    if hasattr(scatter, "_offsets3d"):
        faces = faces[:, :3]  # points further away are drawn paler
    names = [colour(face) for face in faces] or ["none"]
    repeated = [names[index % len(names)] for index in range(count)]
    found = sorted(set(repeated))
    if len(found) > CLASSES:
        return np.zeros(count, int), ["many"], None
    return np.array([found.index(name) for name in repeated], int), found, None


def _along(values: np.ndarray, frame: Frame, name: str) -> np.ndarray:
    """Return where values lie on the axis as shares of its length."""
    import numpy as np

    low, high = frame.limits(name)
    if frame.scale(name) == "log":
        values, low, high = np.log10(np.where(values > 0, values, np.nan)), np.log10(low), np.log10(high)
    return (values - low) / ((high - low) or 1.0)


def _segments(collection: Any, frame: Frame) -> Content:
    import numpy as np

    segments = [np.asarray(segment, dtype=float) for segment in collection.get_segments()]
    corners = np.concatenate(segments) if segments else np.empty((0, 2))
    return _corners(collection, frame, "segments", len(segments), corners)


def _segments_3d(collection: Any, frame: Frame) -> Content:
    import numpy as np

    segments = [np.asarray(segment, dtype=float) for segment in collection._segments3d]
    corners = np.concatenate(segments) if segments else np.empty((0, 3))
    return _corners(collection, frame, "segments", len(segments), corners)


def _polygons(collection: Any, frame: Frame) -> Content:
    import numpy as np

    paths = [path.vertices for path in collection.get_paths()]
    corners = np.concatenate(paths) if paths else np.empty((0, 2))
    return _corners(collection, frame, "polygons", len(paths), corners)


def _corners(collection: Any, frame: Frame, kind: str, count: int, corners: np.ndarray) -> Content:
    looks = {colour(value) for value in collection.get_facecolor()} | {
        colour(value) for value in collection.get_edgecolor()
    }
    content: Content = {"kind": kind, "count": count, "colours": sorted(looks)[:CLASSES]} | _colours(
        collection
    )
    for number, name in enumerate(frame.names[: corners.shape[1]]):
        # A polygon runs along one edge and back along the other: both directions need their nine places.
        content[name] = frame.sequence(corners[:, number], name, places=2 * PLACES)
    return content


def _quiver(quiver: Any, frame: Frame) -> Content:
    content: Content = {"kind": "arrows", "count": int(quiver.N)} | _colours(quiver)
    content["x"] = frame.sequence(quiver.X, "x", places=2 * PLACES)
    content["y"] = frame.sequence(quiver.Y, "y", places=2 * PLACES)
    content["u"] = sequence(quiver.U, places=2 * PLACES)
    content["v"] = sequence(quiver.V, places=2 * PLACES)
    return content


def _rectangle(patch: Any, frame: Frame) -> Content:
    x, y = patch.get_xy()
    look = {
        "kind": "rectangle",
        "colour": colour(patch.get_facecolor()),
        "edge": colour(patch.get_edgecolor()),
    }
    geometry = {"x": x, "y": y, "width": patch.get_width(), "height": patch.get_height()}
    return look | {"geometry": geometry}


def _steps(patch: Any, frame: Frame) -> Content:
    values, edges, _ = patch.get_data()
    content = {"kind": "steps", "count": len(values), "colour": colour(patch.get_edgecolor())}
    return content | {
        "x": frame.sequence(edges, "x", places=MANY_PATCHES),
        "y": frame.sequence(values, "y", places=MANY_PATCHES),
    }


def _arrow(patch: Any, frame: Frame) -> Content:
    ends = getattr(patch, "_posA_posB", None)
    if ends is None:
        return _patch(patch, frame)
    content = {"kind": "arrow", "colour": colour(patch.get_facecolor())}
    return content | {
        name: frame.sequence([end[i] for end in ends], name) for i, name in enumerate(("x", "y"))
    }


def _patch(patch: Any, frame: Frame) -> Content:
    corners = patch.get_patch_transform().transform(patch.get_path().vertices)
    content = {"kind": type(patch).__name__.lower(), "colour": colour(patch.get_facecolor())}
    content["edge"] = colour(patch.get_edgecolor())
    for number, name in enumerate(("x", "y")):
        content[name] = frame.sequence(corners[:, number], name, places=2 * PLACES)
    return content


def _text(text: Any, frame: Frame) -> Content | None:
    if not text.get_text().strip():
        return None
    content: Content = {"kind": "text", "text": text.get_text(), "colour": colour(text.get_color())}
    is_3d = hasattr(text, "get_position_3d")
    place = text.get_position_3d() if is_3d else getattr(text, "xy", text.get_position())
    in_data = is_3d or getattr(text, "xycoords", "data") == "data"
    if not hasattr(text, "xy"):
        in_data = in_data and text.get_transform() == frame.axes.transData
    for name, value in zip(frame.names, place, strict=False):
        is_category = isinstance(value, str)
        number = getattr(frame.axes, f"{name}axis").convert_units(value) if is_category else value
        content[name] = frame.sequence([number], name) if in_data else sequence([number], axis=(0.0, 1.0))
    return content


def bars(patches: Sequence[Content], frame: Frame) -> Content:
    """Join rectangles that follow each other into one artist: the bars of a chart or a histogram.

    Parameters
    ----------
    patches : sequence of dict
        What `describe_artist` returns for each rectangle.
    frame : Frame
        The axes they stand in.

    Returns
    -------
    dict
        One artist of kind "bars"; up to 24 bars are kept one by one, more at nine indices.
    """
    import numpy as np

    places = MANY_PATCHES if len(patches) <= MANY_PATCHES else PLACES
    content: Content = {"kind": "bars", "count": len(patches)}
    labels = [patch["label"] for patch in patches if "label" in patch]
    if labels:
        content["label"] = labels[0] if len(set(labels)) == 1 else ", ".join(labels)
    for look in ("colour", "edge"):
        looks = [patch[look] for patch in patches]
        content[look] = looks[0] if len(set(looks)) == 1 else looks[:MANY_PATCHES]
    for key, name in (("x", "x"), ("y", "y"), ("width", "x"), ("height", "y")):
        values = np.array([patch["geometry"][key] for patch in patches], dtype=float)
        content[key] = frame.sequence(values, name, places=places)
        # A width or a height may be negative or nought, which a logarithm cannot take.
        content[key].pop("scale", None)
    return content


# How older matplotlibs name a map: one made of listed colours, and the spellings of grey, which were one map.
_OLD_MAP_NAMES = {"from_list": "unnamed", "gray": "grey"}


def _colours(mappable: Any) -> Content:
    """Return the colour map of a mappable with its limits, when its colours come from values."""
    array = getattr(mappable, "get_array", lambda: None)()
    if array is None or not len(array):
        return {}
    low, high = mappable.get_clim()
    limits = (float(low), float(high))
    name = mappable.get_cmap().name
    return {
        "map": _OLD_MAP_NAMES.get(name, name),
        "colour_limits": sequence(limits, scale=_colour_scale(mappable)),
    }


def _colour_scale(mappable: Any) -> str:
    return "log" if type(getattr(mappable, "norm", None)).__name__ == "LogNorm" else "linear"


def _nodes(values: np.ndarray, limits: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return for each value the node below it and how far it is on the way to the next one."""
    import numpy as np

    low, high = limits
    place = np.clip((values - low) / ((high - low) or 1.0), 0, 1) * (BLOCKS - 1)
    below = np.minimum(place.astype(int), BLOCKS - 2)
    return below, place - below


def _bins(values: np.ndarray, low: float, high: float) -> np.ndarray:
    import numpy as np

    place = np.nan_to_num((values - low) / ((high - low) or 1.0)) * BLOCKS
    return np.clip(place.astype(int), 0, BLOCKS - 1)


def _mean(block: np.ndarray) -> np.ndarray:
    """Return the mean over all but the last axis, NaN where nothing is there to average."""
    import numpy as np

    flat = block.reshape(-1, block.shape[-1])
    known = np.isfinite(flat)
    total = np.where(known, flat, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _floats(values: Any) -> np.ndarray:
    import numpy as np

    return np.ma.filled(np.ma.asarray(values).astype(float), np.nan)


def _rounded(values: np.ndarray, extent: tuple[float, float], scale: str) -> Any:
    """Write numbers in one line, rows of numbers in a list of lines.

    Rounded to what can matter: a ten-thousandth of the range, on a log scale five digits.
    """
    import numpy as np

    array = np.asarray(values, dtype=float)
    if array.ndim > 1:
        return [_rounded(row.ravel(), extent, scale) for row in array]
    largest = max(abs(extent[0]), abs(extent[1]))
    spread = extent[1] - extent[0]
    # A range of nothing but rounding noise is that of a constant.
    spread = spread if spread > CONSTANT * largest else largest

    def one(value: float) -> str:
        size = abs(value) if scale == "log" else spread
        if not np.isfinite(value) or not size:
            return f"{value:.10g}"
        return f"{round(float(value), 4 - int(np.floor(np.log10(size)))) + 0.0:.10g}"

    return " ".join(one(value) for value in array)
