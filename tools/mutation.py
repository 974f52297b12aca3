"""Small faults in Python code: where they can be put, and what the code looks like with one of them.

A mutant replaces one stretch of text, so that the rest of the code, its comments and its layout stay.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear", "elu", "selu", "gelu", "softplus", "leaky_relu")
NAMES = {
    "argmax": "argmin",
    "ceil": "floor",
    "cos": "sin",
    "exp": "log",
    "max": "min",
    "maximum": "minimum",
    "mean": "sum",
    "median": "mean",
    "ones": "zeros",
    "prod": "sum",
    "relu": "tanh",
    "sigmoid": "tanh",
    "std": "var",
    "train": "test",
}
PARTNERS = NAMES | {
    other: name for name, other in NAMES.items() if other not in NAMES and other not in ("tanh", "sum")
}
PARTNERS |= {"tanh": "sigmoid", "sum": "mean"}
OPERATORS = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
}
COMPARISONS = {
    ast.Lt: ("<", ">="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", "<="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
}
# Arguments that leave no trace in stored outputs: words for a person, and a bar that is silent there.
NOT_READ = {"hint", "verbose"}
# What other profiles take is not run in the one whose outputs are stored; `make smoke` runs it.
OTHER_PROFILES = {"full", "smoke"}
# Arguments that place or size something on the page and leave what it shows.
LAYOUT = {
    *("alpha", "bbox_to_anchor", "columnspacing", "dpi", "figsize", "fontsize", "frameon", "height", "loc"),
    *(
        "height_ratios",
        "linewidth",
        "lw",
        "markeredgewidth",
        "markersize",
        "mec",
        "mew",
        "ms",
        "ncol",
        "ncols",
    ),
    *("pad", "s", "width", "width_ratios", "zorder"),
}
# What figures are drawn with.
DRAWING = {"plot", "plt", "figure", "axes", "axis", "panel", "panels"}


@dataclass(frozen=True)
class Fault:
    """One stretch of a code's text replaced by another.

    Attributes
    ----------
    operator
        The kind of fault.
    start, end
        Where, in characters.
    text
        What stands there instead.
    line
        Its line, from 1.
    """

    operator: str
    start: int
    end: int
    text: str
    line: int

    def apply(self, code: str) -> str:
        """Return the code with this fault."""
        return code[: self.start] + self.text + code[self.end :]


def faults(code: str) -> list[Fault]:
    """Return all faults that can be put into a code; those that `is_valid` refuses are not yet taken out.

    Parameters
    ----------
    code
        A module or a notebook's cell. Imports, annotations, docstrings, messages of errors, f-strings and
        hints are left alone.

    Returns
    -------
    list of Fault
        In order of the text; empty if the code is not plain Python.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return []
    different: dict[tuple[int, int, str], Fault] = {}
    for fault in _Walker(code).collect(tree):
        different.setdefault((fault.start, fault.end, fault.text), fault)
    return [different[key] for key in sorted(different)]


def is_valid(code: str, fault: Fault) -> bool:
    """Return whether the code with this fault is still Python, and another program than before."""
    try:
        return ast.dump(ast.parse(fault.apply(code))) != ast.dump(ast.parse(code))
    except SyntaxError:
        return False


class _Walker:
    """Goes through a syntax tree and proposes faults."""

    def __init__(self, code: str) -> None:
        self.code = code
        # The parser counts columns in bytes, texts count characters.
        self.lines = code.encode().splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.decode()))

    def collect(self, node: ast.AST) -> Iterator[Fault]:
        """Yield the faults of a node and of what it contains."""
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Raise, ast.JoinedStr)) or _is_type_checking(
            node
        ):
            return
        propose = getattr(self, f"at_{type(node).__name__.lower()}", None)
        if propose:
            yield from propose(node)
        for child in _children(node):
            below = self.collect(child)
            if _is_layout(node, child):
                below = (replace(fault, operator="layout") for fault in below)
            yield from below

    def _place(self, line: int, column: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1][:column].decode())

    def _span(self, node: ast.AST) -> tuple[int, int]:
        start = self._place(node.lineno, node.col_offset)
        return start, self._place(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.code[start:end]

    def _replace(self, operator: str, node: ast.AST, text: str) -> Fault:
        return Fault(operator, *self._span(node), text, node.lineno)

    def _between(self, operator: str, left: ast.AST, right: ast.AST, old: str, new: str) -> Iterator[Fault]:
        start, end = self._span(left)[1], self._span(right)[0]
        place = self.code.find(old, start, end)
        if place >= 0:
            yield Fault(operator, place, place + len(old), new, left.end_lineno)

    def at_constant(self, node: ast.Constant) -> Iterator[Fault]:
        value = node.value
        if isinstance(value, bool):
            yield self._replace("constant", node, str(not value))
        elif isinstance(value, int):
            yield self._replace("constant", node, str(value + 1))
            if value > 1:
                yield self._replace("constant", node, str(value - 1))
        elif isinstance(value, float):
            yield self._replace("constant", node, repr(value * 2 if value else 1.0))
            yield self._replace("constant", node, repr(value / 2 if value else 0.1))
        elif isinstance(value, str) and value in ACTIVATIONS:
            other = ACTIVATIONS[(ACTIVATIONS.index(value) + 1) % len(ACTIVATIONS)]
            yield self._replace("activation", node, repr(other))
        elif isinstance(value, str) and value.strip() and "\n" not in self._text(node):
            yield self._replace("label", node, repr(value + " x"))

    def at_binop(self, node: ast.BinOp) -> Iterator[Fault]:
        if type(node.op) in OPERATORS:
            yield from self._between("operator", node.left, node.right, *OPERATORS[type(node.op)])
        elif isinstance(node.op, ast.MatMult):
            swapped = f"({self._text(node.right)}) @ ({self._text(node.left)})"
            yield self._replace("operator", node, swapped)

    def at_augassign(self, node: ast.AugAssign) -> Iterator[Fault]:
        if type(node.op) in OPERATORS:
            old, new = OPERATORS[type(node.op)]
            yield from self._between("sign", node.target, node.value, f"{old}=", f"{new}=")

    def at_unaryop(self, node: ast.UnaryOp) -> Iterator[Fault]:
        operator = "comparison" if isinstance(node.op, ast.Not) else "sign"
        if isinstance(node.op, (ast.Not, ast.USub)):
            yield self._replace(operator, node, self._text(node.operand))

    def at_return(self, node: ast.Return) -> Iterator[Fault]:
        if isinstance(node.value, (ast.BinOp, ast.Call)):
            yield self._replace("sign", node.value, f"-({self._text(node.value)})")

    def at_compare(self, node: ast.Compare) -> Iterator[Fault]:
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
            if type(operator) in COMPARISONS:
                yield from self._between("comparison", left, right, *COMPARISONS[type(operator)])

    def at_boolop(self, node: ast.BoolOp) -> Iterator[Fault]:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield from self._between("comparison", node.values[0], node.values[1], old, new)

    def at_ifexp(self, node: ast.IfExp) -> Iterator[Fault]:
        yield self._replace("comparison", node.test, f"not ({self._text(node.test)})")

    def at_if(self, node: ast.If) -> Iterator[Fault]:
        yield self._replace("comparison", node.test, f"not ({self._text(node.test)})")

    def at_subscript(self, node: ast.Subscript) -> Iterator[Fault]:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            ends = [part.lower, part.upper] if isinstance(part, ast.Slice) else [part]
            for end in ends:
                value = _whole_number(end)
                if value is not None:
                    yield self._replace("index", end, str(value - 1 if value < 0 else value + 1))
            if isinstance(part, ast.Slice) and part.step is not None:
                value = _whole_number(part.step)
                if value is not None:
                    yield self._replace("index", part.step, str(-value))

    def at_name(self, node: ast.Name) -> Iterator[Fault]:
        if isinstance(node.ctx, ast.Load) and node.id in PARTNERS:
            yield self._replace("function", node, PARTNERS[node.id])

    def at_attribute(self, node: ast.Attribute) -> Iterator[Fault]:
        if isinstance(node.ctx, ast.Load) and node.attr in PARTNERS:
            operator = "activation" if node.attr in ACTIVATIONS else "function"
            yield self._replace(operator, node, f"{self._text(node.value)}.{PARTNERS[node.attr]}")

    def at_call(self, node: ast.Call) -> Iterator[Fault]:
        yield from self._arguments(node)
        single = len(node.args) == 1 or (node.args and node.keywords)
        if single and not isinstance(node.args[0], ast.Starred):
            yield self._replace("dropped call", node, self._text(node.args[0]))

    def _arguments(self, node: ast.Call) -> Iterator[Fault]:
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in _left_alone(node):
                continue
            if keyword.arg == "axis":
                value = _whole_number(keyword.value)
                if value is not None:
                    yield self._replace("axis", keyword.value, "1" if value == 0 else "0")
            start, end = self._span(keyword)
            operator = "layout" if _is_layout(node, keyword) else "argument"
            yield Fault(operator, start, *self._with_comma(end), keyword.lineno)
        for left, right in zip(node.args[:-1], node.args[1:], strict=True):
            if not isinstance(left, ast.Starred) and not isinstance(right, ast.Starred):
                (start, middle), (resume, end) = self._span(left), self._span(right)
                text = f"{self._text(right)}{self.code[middle:resume]}{self._text(left)}"
                yield Fault("argument", start, end, text, left.lineno)

    def _with_comma(self, end: int) -> tuple[int, str]:
        rest = self.code[end:]
        blank = len(rest) - len(rest.lstrip())
        return (end + blank + 1, "") if rest[blank : blank + 1] == "," else (end, "")

    def at_expr(self, node: ast.Expr) -> Iterator[Fault]:
        if isinstance(node.value, ast.Call):
            yield self._replace("dropped call", node, "pass")


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node contains and what may be changed."""
    left_out: list[ast.AST] = []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        left_out += [node.returns, *node.decorator_list] if node.returns else node.decorator_list
    if isinstance(node, (ast.AnnAssign, ast.arg)) and node.annotation:
        left_out.append(node.annotation)
    if isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id.startswith("__") for target in node.targets
    ):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call):
        left_out += [keyword for keyword in node.keywords if keyword.arg in _left_alone(node)]
    if isinstance(node, ast.Subscript) and _whole_number(node.slice) is not None:
        left_out.append(node.slice)
    if isinstance(node, ast.keyword) and node.arg == "axis":
        return
    yield from (child for child in ast.iter_child_nodes(node) if child not in left_out)


def _left_alone(node: ast.Call) -> set[str]:
    """Return the names of a call's arguments in which no fault is put."""
    picks = isinstance(node.func, ast.Name) and node.func.id == "pick"
    return NOT_READ | OTHER_PROFILES if picks else NOT_READ


def _is_layout(call: ast.AST, argument: ast.AST) -> bool:
    if not (isinstance(call, ast.Call) and isinstance(argument, ast.keyword) and argument.arg in LAYOUT):
        return False
    root = call.func
    while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
        root = root.func if isinstance(root, ast.Call) else root.value
    return isinstance(root, ast.Name) and root.id in DRAWING


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _whole_number(node: ast.AST | None) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _whole_number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    return None
