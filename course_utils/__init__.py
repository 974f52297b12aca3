"""Helpers of a runnable deep-learning course in Keras and TensorFlow.

What a lecture teaches stands in its notebook; what would distract from it lives here: set-up, data,
plots, planes through weight space, checks. Importing this package imports neither TensorFlow nor
NumPy nor matplotlib; each is imported where it is first used.
"""

import importlib
from typing import Any

# Where each function lives; the other names of __all__ are modules.
_HOME = {
    "CourseError": "errors",
    "check": "classroom",
    "claim": "classroom",
    "measured": "classroom",
    "pick": "runtime",
    "profile": "runtime",
    "progress": "runtime",
    "replicas": "runtime",
    "rng": "runtime",
    "seed": "runtime",
    "setup": "runtime",
}

__all__ = [
    "CourseError",
    "check",
    "claim",
    "classroom",
    "datasets",
    "descent",
    "detection",
    "errors",
    "experiment",
    "figure_content",
    "flow",
    "measured",
    "paper",
    "pick",
    "planes",
    "plot",
    "profile",
    "progress",
    "replicas",
    "rng",
    "runtime",
    "seed",
    "setup",
    "surfaces",
]


def __getattr__(name: str) -> Any:
    """Import a module of the package, or a function of one, when it is first asked for."""
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    """List what the package offers, for tab completion."""
    return [*__all__, "__doc__", "__name__"]
