"""Every notebook has the form of the course, and the checks of form find what breaks it."""

import re
from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebook_form as form
from tools.address import Address
from tools.notebook_files import all_notebooks

ADDRESS = Address("https://github.com/somebody/somewhere", "v1.2.3")
NAME = "07_depth.ipynb"


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.stem)
def test_notebook_has_the_form_of_the_course(path):
    problems = form.problems(path)
    assert not problems, "\n".join(problems)


def exercise(number):
    source = f"answer_{number} = None\n### BEGIN SOLUTION\nanswer_{number} = 4\n### END SOLUTION\n"
    return [
        new_markdown_cell(f"### Exercise {number} (code)\nTwo and two?"),
        new_code_cell(f'{source}check("exercise {number}", answer_{number}, 4, hint="count")'),
    ]


@pytest.fixture
def notebook():
    title = (
        "# 07 · Depth\n\n{}\n\n**Question** Why?\n\n**Goals**\n- one\n\n**Time** 5\n\n**Prerequisites** none"
    )
    cells = [
        new_markdown_cell(title.format(ADDRESS.badge(NAME))),
        new_code_cell(ADDRESS.setup_cell(), metadata={"tags": ["setup"]}),
        new_code_cell("import numpy as np\n\nfrom course_utils import check"),
        new_markdown_cell("## 1 First\nText."),
        new_code_cell("np.pi", outputs=[new_output("stream", text="3.14")]),
        new_markdown_cell("## 2 Second"),
        new_markdown_cell("## Summary\n- about 3.14"),
        new_markdown_cell("## Exercises"),
        *exercise(1),
        *exercise(2),
        *exercise(3),
        new_markdown_cell("## Sources\n- a deck"),
    ]
    made = new_notebook(cells=cells)
    for count, cell in enumerate((cell for cell in made.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    return made


def all_checks(notebook):
    return [
        *form.check_opening(notebook, NAME, ADDRESS),
        *form.check_sections(notebook),
        *form.check_exercises(notebook),
        *form.check_code(notebook),
        *form.check_outputs(notebook),
    ]


def test_a_good_notebook_has_no_problem(notebook):
    assert all_checks(notebook) == []


def replace(place, old, new):
    def change(notebook):
        assert old in notebook.cells[place].source
        notebook.cells[place].source = notebook.cells[place].source.replace(old, new)

    return change


def give_output(output):
    return lambda notebook: notebook.cells[4].outputs.append(output)


def png(metadata):
    return new_output("display_data", data={"image/png": "aGk="}, metadata=metadata)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (replace(0, "# 07", "# 08"), "does not begin with `# 07"),
        (replace(0, "v1.2.3", "v1.2.2"), "badge"),
        (replace(0, "**Goals**", "Goals"), r"no \*\*Goals"),
        (replace(1, "--no-deps", "--upgrade"), "set-up cell"),
        (replace(2, "import numpy as np", "import numpy as np\nnp.pi"), "does not only import"),
        (replace(2, "import numpy as np", "from numpy import *"), "star"),
        (replace(5, "## 2", "## 3"), "section 2"),
        (replace(6, "## Summary", "## What we saw"), "last sections"),
        (replace(9, "answer_1 = None\n", ""), "exercise 1 has no"),
        (replace(9, "check(", "print("), "exercise 1 has no"),
        (replace(12, "### Exercise 3", "Exercise 3"), "2 exercises"),
        (replace(4, "np.pi", "x = 1\n" * 31), "31 lines"),
        (replace(4, "np.pi", "# NBVAL_IGNORE_OUTPUT\nnp.pi"), "exempt"),
        (lambda notebook: notebook.cells[4].metadata.update(tags=["nbval-skip"]), "exempt"),
        (lambda notebook: notebook.cells[4].update(execution_count=17), "top to bottom"),
        (give_output(new_output("error", ename="ValueError", evalue="x", traceback=[])), "raises ValueError"),
        (give_output(new_output("stream", name="stderr", text="W")), "stderr"),
        (give_output(new_output("stream", text="read /home/someone/x")), "a path"),
        (give_output(new_output("stream", text="on 2026-08-01")), "a date"),
        (
            give_output(new_output("display_data", data={"text/plain": "<Figure at 0x7f0012345678>"})),
            "memory",
        ),
        (give_output(png({})), "alternative text"),
    ],
)
def test_each_break_of_form_is_found(notebook, change, sentence):
    broken = deepcopy(notebook)
    change(broken)
    found = all_checks(broken)
    assert len(found) >= 1
    assert any(re.search(sentence, problem) for problem in found), found


def test_a_picture_with_words_is_accepted(notebook):
    give_output(png({"image/png": {"alt": "A falling curve"}}))(notebook)
    assert all_checks(notebook) == []


def test_files_are_small_valid_and_written_in_one_way(tmp_path, notebook):
    path = tmp_path / NAME
    nbformat.write(notebook, path)
    assert form.check_file(path) == []
    path.write_text(path.read_text().replace("\n ", "\n  "))
    assert any("nbformat writes" in problem for problem in form.check_file(path))
    notebook.cells[4].source = "#" + "x" * form.LARGEST_FILE
    nbformat.write(notebook, path)
    assert any("2.0 MB" in problem for problem in form.check_file(path))


def test_the_readme_lists_the_notebook_with_its_badge():
    row = f"| 07 | [Depth](notebooks/{NAME}) | Why? | {ADDRESS.badge(NAME)} |"
    assert form.check_readme(NAME, row, ADDRESS) == []
    assert form.check_readme(NAME, row.replace("v1.2.3", "main"), ADDRESS)
    assert form.check_readme(NAME, "", ADDRESS)
