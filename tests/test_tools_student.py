"""Students' copies have no solutions, run through and give hints."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import student
from tools.address import Address

ADDRESS = Address("https://github.com/somebody/somewhere", "v1.0.0")
# A stand-in for the helper's `check`, so that no kernel waits for TensorFlow.
CHECK = """\
def check(name, answer, expected, hint):
    print(f"{name}: right" if answer == expected else f"{name}: not yet. Hint: {hint}")"""
EXERCISE = """\
answer_1 = None
### BEGIN SOLUTION
answer_1 = 2 + 2
### END SOLUTION
check("exercise 1", answer_1, 4, hint="count")"""


def lecture(exercise=EXERCISE):
    hidden = {"jupyter": {"source_hidden": True}, "cellView": "form", "tags": ["solution", "other"]}
    return new_notebook(
        cells=[
            new_markdown_cell(f"# 01 · Title\n\n{ADDRESS.badge('01_x.ipynb')}\n\n**Question** Why?"),
            new_code_cell(CHECK, execution_count=1),
            new_code_cell(
                exercise, execution_count=2, metadata=hidden, outputs=[new_output("stream", text="right")]
            ),
            new_markdown_cell("Why?\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION"),
        ],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )


def test_copy_has_no_solutions_outputs_or_folds():
    copy = student.student_copy(lecture())
    assert copy.cells[2].source == EXERCISE.replace(
        "### BEGIN SOLUTION\nanswer_1 = 2 + 2\n### END SOLUTION", student.STUB
    )
    assert copy.cells[2].metadata == {"tags": ["other"]}
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in copy.cells)
    assert "Because" not in copy.cells[3].source
    nbformat.validate(copy)


def test_copy_does_not_lead_to_the_solutions():
    source = student.student_copy(lecture()).cells[0].source
    assert source == "# 01 · Title\n\n**Question** Why?"


def test_a_solution_without_an_end_is_refused():
    with pytest.raises(ValueError, match="no end solution"):
        student.student_copy(lecture(EXERCISE.replace("### END SOLUTION", "")))


@pytest.mark.parametrize(
    ("exercise", "expected"),
    [
        (EXERCISE, []),
        (EXERCISE.replace("check(", "answer_1 + 1\ncheck("), ["cell 2 raises: TypeError"]),
        (EXERCISE.replace("check(", "print(").replace(", hint=", ", end="), []),
        (EXERCISE.replace("4, hint", "None, hint"), ["cell 2 is an open exercise and gives no hint"]),
        ("1", ["there is no exercise with a solution"]),
    ],
    ids=["hint", "stack trace", "no check", "no hint", "no exercise"],
)
def test_running_a_copy_finds_what_a_student_should_not_meet(tmp_path, exercise, expected):
    original = tmp_path / "01_x.ipynb"
    nbformat.write(lecture(exercise), original)
    copy = student.write_copy(original, tmp_path / "student")
    found = student.problems(original, copy)
    assert len(found) == len(expected)
    assert all(sentence.startswith(start) for sentence, start in zip(found, expected, strict=True))
