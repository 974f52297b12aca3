"""The repository's address and release stand in one place, and everything else agrees with it."""

import json

import pytest

from tools import address as tool
from tools.address import Address, rewrite_notebook, rewrite_text
from tools.notebook_files import all_notebooks, cell_text, chosen_notebooks, dump

OLD = Address("https://github.com/old_owner/old-name", "v0.0.1")
NEW = Address("https://github.com/new-owner/new.name", "v2.0.0")


def test_badges_and_setup_cells_of_the_course_agree():
    differing = tool.disagreements()
    assert not differing, f"run `make address`: {[path.name for path in differing]}"


def notebook_text(address, name):
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [f"# Ω\n\n{address.badge(name)}\n"]},
        {
            "cell_type": "code",
            "execution_count": 3,
            "id": "b",
            "metadata": {"tags": ["setup"]},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["0.10 → ünï\n"]}],
            "source": address.setup_cell().splitlines(keepends=True),
        },
    ]
    return dump({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_only_badge_and_setup_cell_of_a_notebook_change():
    expected = json.loads(notebook_text(NEW, "01_x.ipynb"))
    expected["cells"][0]["source"] = cell_text(expected["cells"][0]).splitlines(keepends=True)
    text = rewrite_notebook(notebook_text(OLD, "01_x.ipynb"), "01_x.ipynb", NEW)
    assert text == dump(expected)
    assert rewrite_notebook(text, "01_x.ipynb", NEW) == text


def test_a_badge_follows_the_name_of_its_file():
    text = rewrite_notebook(notebook_text(NEW, "01_before.ipynb"), "02_after.ipynb", NEW)
    assert NEW.target("02_after.ipynb") in text
    assert "01_before" not in text


def test_a_notebook_that_agrees_keeps_every_byte():
    text = notebook_text(NEW, "01_x.ipynb").replace("\n ", "\n      ")
    assert rewrite_notebook(text, "01_x.ipynb", NEW) == text


def test_readme_badges_and_clone_commands_change():
    page = f"git clone {OLD.repository}\n| {OLD.badge('04_a.ipynb')} | [x](https://github.com/other/one)"
    assert (
        rewrite_text(page, NEW)
        == f"git clone {NEW.repository}\n| {NEW.badge('04_a.ipynb')} | [x](https://github.com/other/one)"
    )


def test_setup_cell_installs_the_release_from_the_address():
    cell = NEW.setup_cell()
    compile(cell, "setup", "exec")
    assert f'REPOSITORY = "{NEW.repository}"' in cell
    assert "@v2.0.0" in cell
    assert "--no-deps" in cell


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_x.ipynb").write_text(notebook_text(OLD, "01_x.ipynb"), encoding="utf-8")
    (tmp_path / "README.md").write_text(OLD.badge("01_x.ipynb") + "\n")
    project = f'[project]\nversion = "0.0.1"\n[project.urls]\n# one\nRepository = "{OLD.repository}"\n'
    (tmp_path / "pyproject.toml").write_text(project)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    for function in (Address.read.__func__, tool.set_address, tool.disagreements):
        monkeypatch.setattr(function, "__defaults__", (tmp_path,))
    return tmp_path


def test_setting_the_address_changes_everything_and_is_then_in_agreement(checkout, capsys):
    assert tool.main(["--check"]) == 0
    assert tool.main(["--set", f"{NEW.repository}.git"]) == 0
    assert f'Repository = "{NEW.repository}"' in (checkout / "pyproject.toml").read_text()
    assert NEW.repository in (checkout / "notebooks" / "01_x.ipynb").read_text(encoding="utf-8")
    assert "new-owner/new.name/blob/v0.0.1" in (checkout / "README.md").read_text()
    assert tool.main(["--check"]) == 0
    assert "0 files differed" in capsys.readouterr().out


def test_a_difference_is_reported_and_not_repaired_by_check(checkout, capsys):
    project = (checkout / "pyproject.toml").read_text().replace('"0.0.1"', '"0.0.2"')
    (checkout / "pyproject.toml").write_text(project)
    before = (checkout / "README.md").read_text()
    assert tool.main(["--check"]) == 1
    assert "README.md" in capsys.readouterr().out
    assert (checkout / "README.md").read_text() == before


@pytest.mark.parametrize(
    "url", ["http://github.com/a/b", "https://gitlab.com/a/b", "https://github.com/a", "x"]
)
def test_an_address_that_colab_cannot_open_is_refused(checkout, capsys, url):
    before = (checkout / "pyproject.toml").read_text()
    assert tool.main(["--set", url]) == 2
    assert "https://github.com/OWNER/NAME" in capsys.readouterr().out
    assert (checkout / "pyproject.toml").read_text() == before


def test_notebooks_are_chosen_by_the_beginning_of_their_names(checkout):
    assert chosen_notebooks(["01"], checkout) == all_notebooks(checkout) == chosen_notebooks([], checkout)
    with pytest.raises(ValueError, match="there are: 01_x"):
        chosen_notebooks(["77"], checkout)
