"""Animations as a small self-contained player: frames as images and a few lines of script."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A player larger than this would swell the notebook, of which git keeps every version.
LARGEST = 1_000_000
#: Colours beside the palette's that small pictures keep: black, white and the yellow of a minimum.
_KEPT = ("#000000", "#FFFFFF", "#F0E442")


class Animation:
    """A finished animation; as the last value of a cell it shows itself.

    In Jupyter and Colab it is a player; where scripts do not run, it is its first, middle and last frame.

    Parameters
    ----------
    frames : list of bytes
        The frames, encoded.
    kind : str
        Their type, such as ``"image/webp"``.
    pictures : list of PIL images
        First, middle and last frame.
    contents : list of dict
        What these three show, for comparison with a stored run.
    figure : matplotlib.figure.Figure
        The last frame as a figure.
    names : list of str
        What is written beside the slider for each frame.
    interval : int
        Milliseconds a frame.
    title : str
        Title of the whole.
    """

    def __init__(
        self,
        *,
        frames: list[bytes],
        kind: str,
        pictures: list[Any],
        contents: list[dict],
        figure: Figure,
        names: list[str],
        interval: int,
        title: str,
    ) -> None:
        self.frames = frames
        self.kind = kind
        self.pictures = pictures
        self.contents = contents
        self.figure = figure
        self.names = names
        self.interval = interval
        self.title = title

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Animation of {len(self)} frames" + (f": {self.title}" if self.title else "")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """Return the player, a picture for where scripts do not run, and the content to compare."""
        del include, exclude
        from course_utils import figure_content

        picture = io.BytesIO()
        _side_by_side(self.pictures).save(picture, "png", optimize=True)
        data = {
            "text/plain": repr(self),
            "text/html": self.html(),
            "image/png": base64.b64encode(picture.getvalue()).decode("ascii"),
            figure_content.MIME_TYPE: figure_content.animation_content(self.contents),
        }
        return data, {"image/png": {"alt": self.alt}}

    @property
    def alt(self) -> str:
        """What a reader who cannot see the frames is told."""
        from course_utils import figure_content

        return figure_content.alt_text(
            figure_content.animation_content(self.contents), f"{len(self)} frames."
        )

    def html(self) -> str:
        """Return the player as HTML; equal frames give an equal text, its id included."""
        digest = hashlib.sha256(b"".join(self.frames) + self.title.encode()).hexdigest()[:12]
        alt = html.escape(self.title or "animation", quote=True)
        shown = {0, (len(self) - 1) // 2, len(self) - 1}
        pictures = "".join(
            f'<img src="data:{self.kind};base64,{base64.b64encode(frame).decode("ascii")}" '
            f'alt="{alt}, {html.escape(name, quote=True)}" data-name="{html.escape(name, quote=True)}"'
            f"{'' if index in shown else ' hidden'}>"
            for index, (frame, name) in enumerate(zip(self.frames, self.names, strict=True))
        )
        return (
            _PLAYER.replace("@id", f"animation-{digest}")
            .replace("@alt", alt)
            .replace("@last", str(len(self) - 1))
            .replace("@interval", str(self.interval))
            .replace("@pictures", pictures)
        )


def animate(
    draw: Callable[[Any, Any], Any],
    frames: Iterable[Any],
    *,
    interval: int = 200,
    title: str = "",
    names: Iterable[str] | None = None,
    rows: int = 1,
    columns: int = 1,
    width: float | None = None,
    height: float | None = None,
    projection: str | None = None,
) -> Animation:
    """Draw frame after frame and return a player; nothing else is displayed.

    Parameters
    ----------
    draw : callable
        ``draw(frame, axes)`` draws one frame on empty axes (an array of axes when rows or columns are given).
        It should set the limits of its axes, lest they jump from frame to frame.
    frames : iterable
        What is passed to draw, one item a frame. At most some 60 frames stay below the size limit.
    interval : int
        Milliseconds a frame.
    title : str
        Title above the axes, the same in all frames.
    names : iterable of str, optional
        What stands beside the slider for each frame; by default its number.
    rows, columns : int
        Arrangement of the axes.
    width, height : float, optional
        Size in inches.
    projection : str, optional
        ``"3d"`` for three-dimensional axes.

    Returns
    -------
    Animation

    Raises
    ------
    ValueError
        If there is no frame, the interval is not positive, or names and frames differ in number.
    TypeError
        If draw cannot be called.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function draw(frame, axes), not {type(draw).__name__}")
    items = list(frames)
    if not items:
        raise ValueError("an animation needs at least one frame")
    theme.check_count(interval, "interval (milliseconds)")
    captions = (
        [str(name) for name in names]
        if names is not None
        else [f"{i + 1} of {len(items)}" for i in range(len(items))]
    )
    if len(captions) != len(items):
        raise ValueError(f"there are {len(items)} frames but {len(captions)} names")
    sheet = _sheet(width or (5.6 if columns == 1 else min(10.0, 3.9 * columns)), height or 3.7 * rows)
    grid = {"nrows": rows, "ncols": columns, "subplot_kw": {"projection": projection} if projection else None}
    key = {0, (len(items) - 1) // 2, len(items) - 1}
    pictures, kept, contents, places = [], [], [], None
    for index, item in enumerate(items):
        places = _draw_frame(sheet, draw, item, grid, title, places)
        picture = _picture(sheet)
        pictures.append(picture)
        if index in key:
            kept.append(picture)
            contents.append(_frame_content(sheet))
    encoded, kind = _encode(pictures)
    return Animation(
        frames=encoded,
        kind=kind,
        pictures=kept,
        contents=contents,
        figure=sheet,
        names=captions,
        interval=interval,
        title=title or _title(contents[-1]),
    )


def _sheet(width: float, height: float) -> Figure:
    """Make a figure that pyplot does not know, so that no notebook displays it a second time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sheet = Figure(figsize=(width, height), dpi=90, facecolor=theme.BACKGROUND, layout="constrained")
    FigureCanvasAgg(sheet)
    return sheet


def _draw_frame(sheet: Figure, draw: Callable, item: Any, grid: dict, title: str, places: Any) -> list[Any]:
    """Draw one frame; all frames keep the layout of the first, so that nothing jumps."""
    sheet.clear()
    sheet.set_layout_engine("constrained")
    axes = sheet.subplots(**grid)
    for each in np.ravel(axes):
        theme.wrap_title(each)
    draw(item, axes)
    if title:
        sheet.suptitle(title)
    if places is None or len(places) != len(sheet.axes):
        sheet.canvas.draw()
        return [each.get_position(original=True).frozen() for each in sheet.axes]
    sheet.set_layout_engine("none")
    for each, place in zip(sheet.axes, places, strict=True):
        each.set_position(place)
    sheet.canvas.draw()
    return places


def _picture(sheet: Figure) -> Any:
    """Return what is drawn on the sheet as a PIL image."""
    from PIL import Image

    return Image.fromarray(np.asarray(sheet.canvas.buffer_rgba())[..., :3].copy())


def _encode(pictures: list[Any], palettes: tuple[int, ...] = (96, 32, 12)) -> tuple[list[bytes], str]:
    """Encode the frames in as many colours as the first palette that keeps the player below the limit."""
    from PIL import features

    kind, settings = ("webp", {"lossless": True, "quality": 60, "method": 4})
    if not features.check("webp"):
        kind, settings = "png", {"optimize": True}
    for colours in palettes:
        frames = []
        for picture in pictures:
            stream = io.BytesIO()
            small = in_few_colours(picture, colours)
            (small.convert("RGB") if kind == "webp" else small).save(stream, kind, **settings)
            frames.append(stream.getvalue())
        if sum(map(len, frames)) * 4 / 3 < LARGEST:
            break
    else:
        warnings.warn(
            f"this animation takes more than {LARGEST / 1e6:.0f} MB: draw fewer frames or a smaller figure",
            stacklevel=3,
        )
    return frames, f"image/{kind}"


def _side_by_side(pictures: list[Any]) -> Any:
    """Join pictures of equal size into a strip."""
    from PIL import Image

    width, height = pictures[0].size
    strip = Image.new("RGB", (width * len(pictures), height), theme.BACKGROUND)
    for index, picture in enumerate(pictures):
        strip.paste(picture, (index * width, 0))
    # GitHub scales a wide strip down to the page; more than 1500 pixels would be lost there.
    strip.thumbnail((1500, 1500))
    return in_few_colours(strip, 64)


def in_few_colours(picture: Any, count: int) -> Any:
    """Return an RGB picture with a palette of its own, in which the course's colours have their places.

    A palette chosen by area alone would give all of it to a coloured ground and turn the lines on it grey.

    Parameters
    ----------
    picture : PIL.Image.Image
        In mode RGB.
    count : int
        Colours at most, up to 256.

    Returns
    -------
    PIL.Image.Image
        In mode P.
    """
    from PIL import Image, ImageColor

    kept = [ImageColor.getrgb(colour) for colour in (*theme.COLOURS, *_KEPT)] if count >= 32 else []
    chosen = picture.quantize(count - len(kept), dither=0).getpalette()[: 3 * (count - len(kept))]
    palette = np.array([*np.reshape(chosen, (-1, 3)), *kept], dtype=np.int32)
    # PIL's own look-up rounds colours before it compares them, which makes a white ground grey.
    pixels = np.asarray(picture, dtype=np.int32) @ (65536, 256, 1)
    found, places = np.unique(pixels, return_inverse=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    products = colours @ palette.T  # nearest by |c − p|² = |c|² − 2 c·p + |p|²
    nearest = np.argmin(np.sum(palette**2, axis=1) - 2 * products, axis=1).astype(np.uint8)
    small = Image.fromarray(nearest[places].reshape(pixels.shape), mode="P")
    small.putpalette(palette.astype(np.uint8).tobytes())
    return small


def _frame_content(sheet: Figure) -> dict:
    """Return what the sheet shows, as the figure formatter describes it."""
    from course_utils import figure_content

    return figure_content.figure_content(sheet)


def _title(content: dict) -> str:
    """Return the first title in a figure's content."""
    titles = [content.get("title", ""), *(axes.get("title", "") for axes in content["axes"])]
    return next((title for title in titles if title), "")


_PLAYER = """\
<div id="@id" class="course-animation" role="group" aria-label="@alt"
 style="background:#fff;color:#222;max-width:720px;padding:4px;font:14px sans-serif">
<style>.course-animation img{max-width:32%}.course-animation.live img{max-width:100%}
.course-animation [hidden]{display:none!important}
.course-animation button{min-width:5em;padding:4px 8px;background:#eef1f5;color:#222}
.course-animation button{border:1px solid #667;border-radius:4px}
.course-animation :focus-visible{outline:3px solid #0072b2}</style>
<div class="frames">@pictures</div>
<div class="controls" style="display:flex;gap:8px;align-items:center" hidden>
<button type="button" aria-label="play the animation">▶ play</button>
<input type="range" min="0" max="@last" value="0" step="1" aria-label="frame" style="flex:1">
<output style="min-width:7em" aria-live="off"></output></div>
</div>
<script>
(function start(attempts) {
  var roots = document.querySelectorAll('[id="@id"]');
  // JupyterLab may run this before it attaches the output to the page.
  if (!roots.length && attempts) { setTimeout(start, 100, attempts - 1); }
  roots.forEach(function (root) {
    if (root.classList.contains("live")) { return; }
    root.classList.add("live");
    var images = root.querySelectorAll("img"), slider = root.querySelector("input");
    var button = root.querySelector("button"), output = root.querySelector("output"), timer = null;
    function show(index) {
      images.forEach(function (image, i) { image.hidden = i !== index; });
      slider.value = index;
      output.textContent = images[index].dataset.name;
      slider.setAttribute("aria-valuetext", images[index].dataset.name);
    }
    function stop() {
      clearInterval(timer); timer = null;
      button.textContent = "▶ play"; button.setAttribute("aria-label", "play the animation");
    }
    function play() {
      if (Number(slider.value) === images.length - 1) { show(0); }
      button.textContent = "❚❚ pause"; button.setAttribute("aria-label", "pause the animation");
      timer = setInterval(function () {
        var next = Number(slider.value) + 1;
        if (!root.isConnected) { stop(); return; }
        if (next < images.length) { show(next); }
        if (next >= images.length - 1) { stop(); }
      }, @interval);
    }
    button.addEventListener("click", function () { if (timer === null) { play(); } else { stop(); } });
    slider.addEventListener("input", function () { stop(); show(Number(slider.value)); });
    root.querySelector(".controls").hidden = false;
    show(0);
  });
})(50);
</script>
"""
