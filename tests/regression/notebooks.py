"""Small notebooks for the plugin's own tests, made and stored without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.regression.execution import run_notebook
from tests.regression.update import merge

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIGURES = """from IPython import get_ipython
from course_utils import figure_content
figure_content.register(get_ipython())
import matplotlib.pyplot as plt"""


def notebook(*cells: str | NotebookNode) -> NotebookNode:
    """Return a notebook of code cells; strings that begin with "#" and a blank are markdown headings."""
    made = [cell if not isinstance(cell, str) else _cell(cell) for cell in cells]
    return new_notebook(cells=made)


def code(source: str, *tags: str, outputs: tuple[NotebookNode, ...] = (), **metadata: Any) -> NotebookNode:
    """Return a code cell with tags, outputs and metadata."""
    if tags:
        metadata["tags"] = list(tags)
    count = 1 if outputs else None
    return new_code_cell(source, outputs=list(outputs), metadata=metadata, execution_count=count)


def stream(text: str, name: str = "stdout") -> NotebookNode:
    """Return an output of a stream."""
    return new_output("stream", name=name, text=text)


def display(**data: Any) -> NotebookNode:
    """Return a displayed output; "text_html" stands for text/html."""
    return new_output("display_data", data={key.replace("_", "/", 1): value for key, value in data.items()})


def stored(made: NotebookNode, folder: Path) -> NotebookNode:
    """Return a notebook with the outputs of a run."""
    result = run_notebook(made, folder=folder, compare=False)
    assert result.passed, result.failure
    return merge(made, result.notebook, None).notebook


def write(made: NotebookNode, path: Path) -> Path:
    """Write a notebook and return where."""
    nbformat.write(made, str(path))
    return path


def _cell(source: str) -> NotebookNode:
    heading = source.startswith(("# ", "## "))
    return new_markdown_cell(source) if heading else new_code_cell(source)
