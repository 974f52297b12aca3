"""A race: several paths over one surface at once, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plot import animation, landscapes, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from course_utils.descent import Path
    from course_utils.surfaces import Surface


def race(
    surface: Surface,
    paths: Sequence[Path] | Path,
    *,
    frames: int = 40,
    levels: int | Sequence[float] = 14,
    log: bool = False,
    resolution: int = 120,
    title: str = "",
    colour_label: str = "loss",
    interval: int = 150,
) -> animation.Animation:
    """Let paths start together; every frame shows all of them after the same number of steps.

    Each path has its colour and its marker, as in `contours`: large where the path is now, small along its
    way at equal numbers of steps, so that their distance shows the speed. A white circle marks the start, a
    cross the place where a path leaves the domain for good. A path shorter than the others stays at its end.

    Parameters
    ----------
    surface : Surface
        Anything with ``grid``, ``domain``, ``axis_names`` and ``minima``.
    paths : sequence of Path, or one Path
        Who takes part; at most eight can be told apart.
    frames : int
        Largest number of frames, at least 2. Between two of them lie equally many steps, before the last one
        at most as many.
    levels, log, resolution, colour_label
        As in `contours`.
    title : str
        What to see; the number of steps is written below it.
    interval : int
        Milliseconds a frame.

    Returns
    -------
    Animation

    Raises
    ------
    ValueError
        If there is no path or more than eight, none has a step, or frames is less than 2.
    TypeError
        If a path is none.
    """
    walkers = landscapes.listed_paths(paths)
    if not 1 <= len(walkers) <= len(theme.COLOURS):
        raise ValueError(
            f"a race has 1 to {len(theme.COLOURS)} paths, so that they can be told apart, not {len(walkers)}"
        )
    if theme.check_count(frames, "frames") < 2:
        raise ValueError("a race needs at least 2 frames: the start and the end")
    theme.check_count(interval, "interval (milliseconds)")
    steps = frame_steps(max(len(path.points) for path in walkers) - 1, frames)
    sheet = animation._sheet(5.8, 4.7)
    axes = sheet.subplots()
    theme.wrap_title(axes)
    landscapes.contours(
        surface,
        levels=levels,
        log=log,
        resolution=resolution,
        colour_label=colour_label,
        axes=axes,
    )
    movers = [_Walker(axes, path, index, surface.domain, steps) for index, path in enumerate(walkers)]
    _legend(axes, movers, has_minimum=bool(len(surface.minima)))
    names = [f"step {step}" for step in steps]
    pictures, contents = [], []
    for index, step in enumerate(steps):
        for mover in movers:
            mover.move(step)
        axes.set_title(f"{title}\n{names[index]}" if title else names[index])
        if index == 0:
            # The layout of the first frame stays, so that nothing jumps; it takes two rounds to settle.
            sheet.draw_without_rendering()
            sheet.draw_without_rendering()
            sheet.set_layout_engine("none")
        sheet.canvas.draw()
        pictures.append(animation._picture(sheet))
        if index in {0, (len(steps) - 1) // 2, len(steps) - 1}:
            contents.append((index, animation._frame_content(sheet)))
    # A shaded ground takes most of the bytes of a frame; 32 colours are enough for it.
    encoded, kind = animation._encode(pictures, palettes=(32, 12))
    return animation.Animation(
        frames=encoded,
        kind=kind,
        pictures=[pictures[index] for index, _ in contents],
        contents=[content for _, content in contents],
        figure=sheet,
        names=names,
        interval=interval,
        title=title,
    )


def frame_steps(longest: int, frames: int) -> list[int]:
    """Return the steps that are drawn: 0, then every k-th, then the longest path's end.

    Parameters
    ----------
    longest : int
        Steps of the longest path.
    frames : int
        Largest number of frames.

    Returns
    -------
    list of int
        At most `frames` of them, k as small as that allows.

    Raises
    ------
    ValueError
        If the longest path has no step.
    """
    if longest < 1:
        raise ValueError("none of the paths has a step: there is nothing to race")
    stride = -(-longest // (frames - 1))
    return [*range(0, longest, stride), longest]


class _Walker:
    """The artists of one path, and where they are after a number of steps."""

    def __init__(self, axes: Axes, path: Any, index: int, domain: Any, steps: Sequence[int]) -> None:
        from matplotlib.patheffects import Normal, Stroke

        self.points = landscapes.near(path.points, domain)
        self.colour, self.marker = landscapes.path_look(index)
        self.label = path.label or f"path {index + 1}"
        self.leaving = landscapes.border(path.points, domain)
        last = landscapes.last_inside(np.array(path.points, dtype=float), domain)
        self.left_after = -1 if last is None else last
        ends = {"linestyle": "none", "markeredgecolor": "black", "clip_on": False}
        axes.plot(*self.points[0], marker="o", markersize=11, markerfacecolor="white", zorder=4, **ends)
        (self.trail,) = axes.plot(
            [],
            [],
            label=self.label,
            color=self.colour,
            linestyle="-",
            linewidth=1.6,
            marker=self.marker,
            markersize=4.5,
            markevery=4 * steps[1],
            zorder=5,
            path_effects=[Stroke(linewidth=3.0, foreground=theme.BACKGROUND), Normal()],
        )
        (self.head,) = axes.plot(
            [],
            [],
            color=self.colour,
            marker=self.marker,
            markersize=10,
            zorder=6,
            **ends | {"clip_on": True},
        )
        (self.cross,) = axes.plot([], [], color=self.colour, marker="X", markersize=11, zorder=7, **ends)
        for artist in (self.trail, self.head, self.cross):
            # Without points, matplotlib believes it in the corner of the figure and makes room for it.
            artist.set_in_layout(False)

    def move(self, step: int) -> None:
        """Draw the path as far as this step."""
        way = self.points[: step + 1]
        self.trail.set_data(*way.T)
        gone = self.leaving is not None and step > self.left_after
        self.head.set_data(*(way[-1:].T if not gone else ([], [])))
        self.cross.set_data(*(np.array(self.leaving)[:, np.newaxis] if gone else ([], [])))


def _legend(axes: Axes, movers: Sequence[_Walker], *, has_minimum: bool) -> None:
    """Name the paths and the marks once, below the axes."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=mover.colour, marker=mover.marker, markersize=7, linestyle="-")
        for mover in movers
    ]
    names = [mover.label for mover in movers]
    marks = [("o", "start", "white")]
    if any(mover.leaving is not None for mover in movers):
        marks.append(("X", "leaves the domain", "white"))
    if has_minimum:
        marks.append(("*", "minimum", "#F0E442"))
    for marker, name, colour in marks:
        handles.append(
            Line2D(
                [], [], color=colour, marker=marker, markersize=9, markeredgecolor="black", linestyle="none"
            )
        )
        names.append(name)
    widest = max(len(theme.plain(name)) for name in names) * 0.082 + 0.6
    columns = int(np.clip(5.4 / widest, 1, len(names)))
    axes.figure.legend(handles, names, loc="outside lower center", ncols=columns)
