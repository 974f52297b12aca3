"""Planes through the weights of a Keras model: a Surface for every plot and every optimizer.

``plane`` has the planes and lines, ``directions`` and ``curvature`` what may span them; ``evaluation`` finds
the losses at many points at once, with the shortcuts of ``chain``.
"""

from course_utils.planes.curvature import hessian, hessian_directions
from course_utils.planes.directions import (
    Directions,
    between,
    principal,
    random_directions,
    two_weights,
    weights,
)
from course_utils.planes.plane import Plane, ProjectedPath, line

__all__ = [
    "Directions",
    "Plane",
    "ProjectedPath",
    "between",
    "hessian",
    "hessian_directions",
    "line",
    "principal",
    "random_directions",
    "two_weights",
    "weights",
]
