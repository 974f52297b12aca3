"""A value to turn by hand; where nothing can be turned, pictures of its first, middle and last setting."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from course_utils.plot import theme


def slider(
    draw: Callable[[Any, Any], Any],
    values: Iterable[Any],
    name: str = "value",
    *,
    width: float | None = None,
    height: float | None = None,
    title: str = "",
) -> np.ndarray | None:
    """Draw a figure that depends on one value, and let the reader move through the values.

    In a notebook with ipywidgets this shows a slider above the figure. Where outputs are stored
    (``COURSE_PROGRESS=0``), in scripts and without ipywidgets it draws the first, the middle and the last
    value beside each other: a figure like any other, which the regression tests compare.

    Parameters
    ----------
    draw : callable
        ``draw(value, axes)`` draws on empty axes. It should set their limits, lest they jump.
    values : iterable
        What can be chosen, in order.
    name : str
        What the values are; stands beside the slider.
    width, height : float, optional
        Size in inches of the figure with three panels.
    title : str
        Title above all panels.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, or None
        The panels of the static figure; None where a slider is shown.

    Raises
    ------
    ValueError
        If there is no value.
    TypeError
        If draw cannot be called.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function draw(value, axes), not {type(draw).__name__}")
    choices = list(values)
    if not choices:
        raise ValueError("a slider needs at least one value")
    if _live():
        _show_slider(draw, choices, name, title)
        return None
    shown = [choices[index] for index in sorted({0, (len(choices) - 1) // 2, len(choices) - 1})]
    panels = np.atleast_1d(theme.figure(1, len(shown), width=width, height=height or 3.6, title=title))
    for value, panel in zip(shown, panels, strict=True):
        draw(value, panel)
        if not panel.get_title():
            theme.finish(panel, title=f"{name} = {_text(value)}")
    return panels


def _live() -> bool:
    """Whether somebody sits before a notebook that can show widgets."""
    if os.environ.get("COURSE_PROGRESS") == "0" or "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def _show_slider(draw: Callable[[Any, Any], Any], choices: list[Any], name: str, title: str) -> Any:
    """Show the slider; the figure is drawn anew for each choice."""
    import ipywidgets
    import matplotlib.pyplot as plt

    def redraw(index: int) -> None:
        axes = theme.figure(title=title)
        draw(choices[index], axes)
        if not axes.get_title():
            theme.finish(axes, title=f"{name} = {_text(choices[index])}")
        plt.show()

    chooser = ipywidgets.SelectionSlider(
        options=[(_text(value), index) for index, value in enumerate(choices)],
        value=(len(choices) - 1) // 2,
        description=name,
        continuous_update=False,
    )
    return ipywidgets.interact(redraw, index=chooser)


def _text(value: Any) -> str:
    """Return a value in few digits."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
