"""Ways downhill: Keras optimizers, methods of first and second order and SciPy's, on one kind of problem."""

from course_utils.descent.first_order import descend
from course_utils.descent.methods import METHODS, minimise
from course_utils.descent.path import Path
from course_utils.descent.problems import FunctionProblem, ModelProblem, Problem

__all__ = ["METHODS", "FunctionProblem", "ModelProblem", "Path", "Problem", "descend", "minimise"]
