"""Other Pythons are found only if they run, and what a machine lacks is said in a sentence."""

import subprocess
import sys

import pytest

from tools import colab, environments, headroom, offline
from tools.environments import UnavailableError
from tools.notebook_run import Outcome, run_within

HERE = "{}.{}".format(*sys.version_info)


def test_a_python_that_does_not_start_is_not_taken(tmp_path, monkeypatch):
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert environments.find_python(HERE) == sys.executable
    with pytest.raises(UnavailableError, match=r"no Python 3\.99 on this machine"):
        environments.find_python("3.99")


def test_an_unreachable_index_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        environments.require_index()


def test_an_environment_is_made_once_for_the_same_requirements(tmp_path, monkeypatch):
    folder = tmp_path / "made"
    python = environments.make_environment(folder, HERE, "") if _index() else None
    if python is None:
        pytest.skip("no package index")
    monkeypatch.setattr(environments, "find_python", lambda version: pytest.fail("made again"))
    assert environments.make_environment(folder, HERE, "") == python


def _index():
    try:
        environments.require_index(timeout=3)
    except UnavailableError:
        return False
    return True


@pytest.mark.parametrize("reason", ["there is no Python 3.13", "the package index cannot be reached"])
def test_colab_is_skipped_with_one_sentence(monkeypatch, capsys, reason):
    def unavailable(*_):
        raise UnavailableError(reason)

    monkeypatch.setattr(colab, "make_environment", unavailable)
    assert colab.main([]) == 0
    assert capsys.readouterr().out == f"Skipped: {reason}, so nothing was run as on Colab.\n"


def test_colab_freeze_is_fully_pinned_and_has_the_known_versions():
    lines = [line for line in colab.FREEZE.read_text().splitlines() if line and not line.startswith("#")]
    assert all(line.count("==") == 1 for line in lines)
    for pin in ("tensorflow==2.20.0", "keras==3.13.2", "numpy==2.1.3", "matplotlib==3.10.0"):
        assert pin in lines
    assert {"ipython==7.34.0", "ipykernel==6.17.1"} <= set(lines)
    assert not any("course" in line for line in lines)


def test_an_overlay_sees_the_packages_below_and_keeps_its_own(tmp_path):
    base = tmp_path / "base"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(base)], check=True)
    below = next(base.glob("lib/python*/site-packages"))
    _install(below, "numpy", "1.0")
    python = colab.overlay(base / "bin" / "python", tmp_path / "over")
    assert colab.installed(python) == {"numpy": "1.0"}
    _install(next((tmp_path / "over").glob("lib/python*/site-packages")), "course_utils", "0.1")
    assert colab.installed(python) == {"numpy": "1.0", "course-utils": "0.1"}
    assert colab.installed(base / "bin" / "python") == {"numpy": "1.0"}


def _install(site, name, version):
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_what_a_notebook_changes_in_the_environment_is_told():
    before = {"numpy": "2.1.3", "keras": "3.13.2"}
    assert colab.changes(before, before | {"course-utils": "0.1"}) == []
    assert colab.changes(before, before) == ["course-utils was not installed"]
    after = {"numpy": "2.4.0", "tqdm": "4", "course-utils": "0.1"}
    assert colab.changes(before, after) == [
        "keras: 3.13.2 became absent",
        "numpy: 2.1.3 became 2.4.0",
        "tqdm: absent became 4",
    ]


def test_a_namespace_has_loopback_only():
    command = offline.namespace()
    if command is None:
        pytest.skip("no network namespaces here")
    code = (
        "import socket; from tools import offline; offline.raise_loopback(); "
        "server = socket.create_server(('127.0.0.1', 0)); "
        "socket.create_connection(server.getsockname(), timeout=5); "
        "assert not offline.reaches_the_world()"
    )
    subprocess.run([*command, sys.executable, "-c", code], check=True, cwd=offline.ROOT)


def test_without_namespaces_offline_is_skipped_with_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(offline, "namespace", lambda: None)
    assert offline.main([]) == 0
    assert capsys.readouterr().out.startswith("Skipped: ")


def test_oldest_versions_are_the_lowest_that_pyproject_allows(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["keras>=3.10", "numpy>=2.0"]\n'
        '[project.optional-dependencies]\ncourse = ["ipykernel", "jupyterlab>=4,<5"]\n'
    )
    assert headroom.oldest_requirements(tmp_path) == "keras==3.10.*\nnumpy==2.0.*\nipykernel\n"


def test_headroom_tells_failures_and_shares_above_the_limit():
    outcomes = {
        ("01.ipynb", "AVX2"): Outcome(share=0.5),
        ("01.ipynb", "one thread"): Outcome(share=0.85, worst="cell 3, line 1"),
        ("02.ipynb", "AVX2"): Outcome(kind="number", message="1 is not 2"),
        ("02.ipynb", "one thread"): Outcome(),
    }
    found = headroom.complaints(outcomes)
    assert found == [
        "01.ipynb, one thread: cell 3, line 1 used 85% of its tolerance",
        "02.ipynb, AVX2:\n  1 is not 2",
    ]
    table = headroom.table(outcomes)
    assert table[1].split() == ["01.ipynb", "50%", "85%"]
    assert "FAILED (number)" in table[2]


def test_an_endless_command_and_its_children_are_stopped(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "sleeper = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "child = subprocess.Popen(sleeper, start_new_session=True)\n"
        "print(child.pid, flush=True)\ntime.sleep(60)"
    )
    returned, text = run_within([sys.executable, "-c", code], tmp_path, {}, timeout=2)
    assert returned is None
    psutil = pytest.importorskip("psutil")
    assert not psutil.pid_exists(int(text)) or psutil.Process(int(text)).status() == "zombie"
