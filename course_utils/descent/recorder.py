"""What all methods share: points are recorded, and the search ends, by the same rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils.descent.evaluation import KINDS, Evaluation
from course_utils.descent.path import Path
from course_utils.runtime import progress

# Shorter searches are over before a bar would be read.
STEPS_WITH_BAR = 200


class SearchError(Exception):
    """No next point can be found; the message says why. The search ends there and its path is kept."""


class _Finished(Exception):  # noqa: N818 (not an error)
    """The search has reached its end."""


@dataclass(frozen=True)
class Step:
    """A point that a method has reached.

    Parameters
    ----------
    point : numpy.ndarray, shape (n,)
        Where it is.
    loss : float
        The loss there.
    gradient : numpy.ndarray, shape (n,), or None
        The gradient there, if the method knows it.
    trace : dict
        Numbers or arrays of which every step's are kept.
    last : dict
        Arrays of which only the last step's are kept.
    """

    point: np.ndarray
    loss: float
    gradient: np.ndarray | None = None
    trace: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """Collects the steps of one search and ends it.

    Parameters
    ----------
    evaluate : Evaluation
        Counts the evaluations.
    steps : int
        How many steps are taken at most.
    tolerance : float
        The search has converged when no component of the gradient is larger.
    label : str
        The path's name.
    """

    def __init__(self, evaluate: Evaluation, steps: int, tolerance: float, label: str) -> None:
        self.evaluate, self.steps, self.tolerance, self.label = evaluate, steps, tolerance, label
        self.points: list[np.ndarray] = []
        self.losses: list[float] = []
        self.trace: dict[str, list[Any]] = defaultdict(list)
        self.last: dict[str, Any] = {}
        self.work: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self.converged = False
        self._bar: Iterator[int] = iter(
            progress(range(steps), label) if steps >= STEPS_WITH_BAR else range(steps)
        )

    @property
    def taken(self) -> int:
        """The number of steps so far."""
        return len(self.points) - 1

    def add(self, step: Step) -> None:
        """Record a step; raises what ends the search when this was the last one."""
        self.points.append(np.array(step.point, dtype=np.float64))
        self.losses.append(float(step.loss))
        for kind, counts in self.work.items():
            counts.append(self.evaluate.counts[kind])
        noted = dict(step.trace)
        if step.gradient is not None:
            noted["gradient_norm"] = np.abs(step.gradient).max()
        for name, value in noted.items():
            self.trace[name].append(value)
        self.last.update(step.last)
        if self.taken:
            next(self._bar, None)
        if not (np.isfinite(step.loss) and np.isfinite(step.point).all()):
            raise _Finished(f"the loss or the point is not finite after {_steps(self.taken)}")
        if step.gradient is not None and noted["gradient_norm"] <= self.tolerance:
            self.converged = True
            raise _Finished(f"the gradient is within the tolerance after {_steps(self.taken)}")
        if self.taken == self.steps:
            raise _Finished(f"all {_steps(self.steps)} taken")

    def record(self, search: Callable[[], str]) -> Path:
        """Run a search, which calls :meth:`add` for each point, and return its path.

        An interruption by the user ends the search like any other reason, so that no step is lost.
        """
        try:
            message = search()
        except (_Finished, SearchError) as end:
            message = str(end)
        except KeyboardInterrupt:
            if not self.points:
                raise
            message = f"interrupted after {_steps(self.taken)}"
            print(f"{self.label}: {message}; the path so far is kept.")
        finally:
            if hasattr(self._bar, "close"):
                self._bar.close()
        trace = {name: np.array(values) for name, values in self.trace.items()}
        return Path(
            np.array(self.points),
            np.array(self.losses),
            self.label,
            Counter(self.evaluate.counts),
            {kind: np.array(counts) for kind, counts in self.work.items()},
            trace | self.last,
            message,
            self.converged,
        )


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"
