"""What a figure shows, as JSON beside its picture, and as alternative text.

Pixels cannot be compared between two machines: a tenth of a percent of noise moves every limit of an
autoscaled plot. So every displayed figure also carries its content under a mime type of its own, and the
regression tests compare that. The same content gives the picture its alternative text. The format is written
down in `tests/regression/README.md`.
"""

from __future__ import annotations

import base64
import hashlib
import io
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from course_utils import figure_artists

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MIME_TYPE = "application/vnd.course-figure+json"
SCHEMA = 1
_SPOKEN_AXES = 4

Content = dict[str, Any]

_descriptions: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_ready: WeakKeyDictionary[Any, Content] = WeakKeyDictionary()


def describe(figure: Figure, text: str) -> None:
    """Add a sentence to the alternative text of a figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    text : str
        What a reader who does not see the picture should know beyond titles, labels and legends.
    """
    _descriptions[figure] = text


def figure_content(figure: Figure) -> Content:
    """Return what a figure shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        A figure in its final state.

    Returns
    -------
    dict
        JSON of the schema in `tests/regression/README.md`.
    """
    content: Content = {"schema": SCHEMA, "style": _style()}
    if figure.get_suptitle():
        content["title"] = figure.get_suptitle()
    content["axes"] = [_axes_content(axes) for axes in _all_axes(figure)]
    texts = [text.get_text() for text in figure.texts if text is not getattr(figure, "_suptitle", None)]
    if texts:
        content["texts"] = texts
    if figure.legends:
        content["legends"] = [_legend_content(legend) for legend in figure.legends]
    return content


def animation_content(frames: Iterable[Figure | Content]) -> Content:
    """Return what an animation shows: the contents of a few of its frames.

    Parameters
    ----------
    frames : iterable of matplotlib.figure.Figure or dict
        The first, middle and last frame, each as a figure or as the content of one.

    Returns
    -------
    dict
        JSON with "frames", for the mime type `MIME_TYPE` of the object that shows the animation.
    """
    contents = [frame if isinstance(frame, dict) else figure_content(frame) for frame in frames]
    return {"schema": SCHEMA, "frames": contents}


def alt_text(content: Content, description: str = "") -> str:
    """Return a sentence or two that say what a figure shows, for those who cannot see it.

    Parameters
    ----------
    content : dict
        What `figure_content` or `animation_content` returns.
    description : str
        A sentence to add.

    Returns
    -------
    str
        Plain text on one line.
    """
    if "frames" in content:
        last = alt_text(content["frames"][-1]) if content["frames"] else ""
        return " ".join(_sentence(part) for part in ("Animation", f"Last frame: {last}", description) if part)
    panels = [axes for axes in content["axes"] if not axes.get("colourbar") and not axes.get("empty")]
    sentences = [content["title"]] if "title" in content else []
    if len(panels) > 1:
        sentences.append(f"{len(panels)} panels")
    sentences += [_spoken(axes) for axes in panels[:_SPOKEN_AXES]]
    if len(panels) > _SPOKEN_AXES:
        titles = [axes["title"] for axes in panels[_SPOKEN_AXES:] if "title" in axes]
        sentences.append("Further panels: " + (", ".join(titles[:12]) or "of the same kind"))
    sentences.append(description)
    # A row of pictures without titles is said once.
    return " ".join(_sentence(part) for part in dict.fromkeys(sentences) if part.strip())


def register(shell: Any) -> None:
    """Make an IPython shell show every figure with its content and alternative text.

    Works on IPython 7.34 and later. Formatters registered for a type with `for_type` would not last: the
    inline backend drops those for figures when pyplot is first imported. Formatters of their own stay.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The running shell, as `IPython.get_ipython()` returns it.
    """
    from IPython.core.formatters import BaseFormatter, PNGFormatter
    from traitlets import ObjectName, Unicode

    class FigureContentFormatter(BaseFormatter):
        """Gives the content of a figure and nothing for other objects."""

        format_type = Unicode(MIME_TYPE)
        print_method = ObjectName("_repr_figure_content_")
        _return_type = (dict,)

        def __call__(self, obj: Any) -> Content | None:
            """Return the content of a figure."""
            if not self.enabled or not _is_figure(obj):
                return None
            return _ready.pop(obj, None) or figure_content(obj)

    class DescribedPNGFormatter(PNGFormatter):
        """Draws as usual and adds alternative text to the pictures of figures."""

        def __call__(self, obj: Any) -> Any:
            """Return the picture, with metadata when it is one of a figure."""
            picture = super().__call__(obj)
            if picture is None or not _is_figure(obj):
                return picture
            content = figure_content(obj)
            _ready[obj] = content
            data, metadata = picture if isinstance(picture, tuple) else (picture, {})
            return smaller(data), {**(metadata or {}), "alt": alt_text(content, _descriptions.get(obj, ""))}

    display = shell.display_formatter
    if MIME_TYPE in display.formatters:
        return
    plain = display.formatters["image/png"]
    described = DescribedPNGFormatter(parent=display)
    described.enabled = plain.enabled
    described.type_printers.update(plain.type_printers)
    described.deferred_printers.update(plain.deferred_printers)
    described.singleton_printers.update(plain.singleton_printers)
    content = FigureContentFormatter(parent=display)
    content.enabled = plain.enabled
    display.formatters["image/png"] = described
    display.formatters[MIME_TYPE] = content
    if plain.enabled and MIME_TYPE not in display.active_types:
        display.active_types = [*display.active_types, MIME_TYPE]


def smaller(data: Any) -> Any:
    """Return a PNG with a palette, a third of its size, where the eye sees no difference; else as it is.

    Parameters
    ----------
    data : bytes or str
        The file, or its text in base 64.

    Returns
    -------
    bytes or str
        As given. Photographs keep all their colours: one pixel in a thousand may be off by more than 24 of
        255 levels.
    """
    import numpy as np
    from PIL import Image

    from course_utils.plot.animation import in_few_colours

    if not data.startswith("iVBORw0KGgo" if isinstance(data, str) else b"\x89PNG"):
        return data
    with Image.open(io.BytesIO(base64.b64decode(data) if isinstance(data, str) else data)) as picture:
        opaque = picture.mode == "RGB" or (picture.mode == "RGBA" and picture.getextrema()[3][0] == 255)
        full = picture.convert("RGB")
    if not opaque:
        return data
    few = in_few_colours(full, 256)
    off = np.abs(np.asarray(few.convert("RGB"), dtype=np.int16) - np.asarray(full, dtype=np.int16)).max(
        axis=2
    )
    if np.mean(off > 24) > 1e-3:
        return data
    stream = io.BytesIO()
    few.save(stream, "png", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii") if isinstance(data, str) else stream.getvalue()


def _is_figure(obj: Any) -> bool:
    # Without importing matplotlib for an object that has nothing to do with it.
    return any(
        parent.__name__ == "Figure" and parent.__module__ == "matplotlib.figure"
        for parent in type(obj).__mro__
    )


def _all_axes(figure: Figure) -> list[Axes]:
    found: list[Axes] = []
    for axes in figure.axes:
        found += [axes, *(child for child in axes.child_axes if child not in figure.axes)]
    return [axes for axes in found if axes.get_visible()]


def _axes_content(axes: Axes) -> Content:
    if hasattr(axes, "_colorbar"):
        label = axes.get_ylabel() or axes.get_xlabel()
        return {"colourbar": True} | ({"label": label} if label else {})
    frame = figure_artists.Frame(axes)
    content: Content = {}
    titles = [axes.get_title(loc=place) for place in ("left", "center", "right")]
    if any(titles):
        content["title"] = " | ".join(title for title in titles if title)
    for name in frame.names:
        content[name] = _axis_content(axes, frame, name)
    if "z" in frame.names:
        content["view"] = f"{axes.elev:.0f} {axes.azim:.0f}"
    artists, sources = _artists(axes, frame)
    content["artists"] = artists
    if not getattr(axes, "_axis3don", axes.axison):
        content["frame"] = False
        content["empty"] = not artists and "title" not in content
    legend = axes.get_legend()
    if legend is not None:
        content["legend"] = _legend_content(legend, sources)
    return content


def _axis_content(axes: Axes, frame: figure_artists.Frame, name: str) -> Content:
    low, high = getattr(axes, f"get_{name}lim")()
    content: Content = {"limits": frame.sequence([low, high], name)}
    content["limits"].pop("axis")
    label = getattr(axes, f"get_{name}label")()
    if label:
        content["label"] = label
    axis = getattr(axes, f"{name}axis")
    # Only ticks somebody named: the others follow from the limits. Labels given with places are a function.
    named = ("FixedFormatter", "FuncFormatter", "StrCategoryFormatter")
    if type(axis.get_major_formatter()).__name__ in named:
        content["ticks"] = [text.get_text() for text in axis.get_ticklabels() if text.get_text()]
    return content


def _artists(axes: Axes, frame: figure_artists.Frame) -> tuple[list[Content], list[Content]]:
    """Return the contents of the artists in drawing order, bars joined, and of those with labels."""
    furniture = {axes.patch, axes.title, axes._left_title, axes._right_title, axes.get_legend()}
    furniture |= {getattr(axes, f"{name}axis") for name in frame.names} | set(axes.spines.values())
    artists: list[Content] = []
    rectangles: list[Content] = []

    def flush() -> None:
        if rectangles:
            artists.append(figure_artists.bars(rectangles, frame))
            rectangles.clear()

    labels = {
        id(patch): box.get_label() for box in axes.containers for patch in box if hasattr(box, "get_label")
    }
    last_group: Any = None
    for artist in axes.get_children():
        if artist in furniture or not artist.get_visible():
            continue
        content = figure_artists.describe_artist(artist, axes)
        if content is None:
            continue
        if content["kind"] != "rectangle":
            flush()
            artists.append(content)
            continue
        group = labels.get(id(artist))
        if group and not str(group).startswith("_"):
            content.setdefault("label", str(group))
        if group != last_group:
            flush()
        last_group = group
        rectangles.append(content)
    flush()
    return artists, [artist for artist in artists if "label" in artist]


def _legend_content(legend: Any, sources: Iterable[Content] = ()) -> list[Content]:
    """Return the entries of a legend: each text with the look of the artist that it names."""
    handles = getattr(legend, "legend_handles", None) or legend.legendHandles
    entries = []
    for text, handle in zip(legend.get_texts(), handles, strict=False):
        entry: Content = {"label": text.get_text(), "look": _look(handle)}
        named = [number for number, source in enumerate(sources) if source["label"] == text.get_text()]
        if named:
            entry["names"] = named
        entries.append(entry)
    title = legend.get_title().get_text()
    return [{"title": title}, *entries] if title else entries


def _look(handle: Any) -> str:
    if hasattr(handle, "get_linestyle") and hasattr(handle, "get_marker"):
        marker = handle.get_marker()
        marker = "" if marker in (None, "None", "", " ") else f" {marker}"
        return f"{figure_artists.colour(handle.get_color())} {handle.get_linestyle()}{marker}"
    colours = []
    for part in ("get_facecolor", "get_edgecolor"):
        value = getattr(handle, part, lambda: None)()
        if value is None or not len(value):
            continue
        colours.append(figure_artists.colour(value[0] if hasattr(value[0], "__len__") else value))
    return " ".join(colours) or type(handle).__name__


def _style() -> str:
    """Return a short name of the plot style in force, which changes pictures but not what they show."""
    import matplotlib as mpl

    groups = (
        "axes.",
        "figure.",
        "font.",
        "grid.",
        "image.",
        "legend.",
        "lines.",
        "savefig.",
        "xtick.",
        "ytick.",
    )
    settings = [f"{key}={value}" for key, value in mpl.rcParams.items() if key.startswith(groups)]
    return hashlib.sha256("\n".join(sorted(settings)).encode()).hexdigest()[:8]


def _spoken(axes: Content) -> str:
    words: list[str] = []
    if "title" in axes:
        words.append(f"{axes['title'].rstrip('.')}:")
    counts: dict[str, int] = {}
    for artist in axes["artists"]:
        if artist["kind"] != "text":
            counts[artist["kind"]] = counts.get(artist["kind"], 0) + 1
    words.append(_listed([_counted(kind, count) for kind, count in counts.items()]) or "an empty panel")
    labels = {name: axes[name].get("label") for name in "zyx" if name in axes}
    shown = labels.pop("z", None) or labels.pop("y", None)
    if shown:
        words.append(f"of {shown}")
    against = [label for label in labels.values() if label]
    if against:
        words.append(f"against {_listed(against)}")
    entries = [entry["label"] for entry in axes.get("legend", []) if "label" in entry]
    if entries:
        words.append(f"({', '.join(entries)})")
    return " ".join(words)


def _counted(kind: str, count: int) -> str:
    whole = {"bars", "contours", "filled contours", "segments", "polygons", "arrows", "steps"}
    if kind in whole:
        return kind
    return f"one {kind}" if count == 1 else f"{count} {kind}s"


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _sentence(text: str) -> str:
    # Formulas are read without the signs that typeset them.
    text = " ".join(text.translate(str.maketrans("", "", "$\\{}")).split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
