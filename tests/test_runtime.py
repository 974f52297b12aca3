"""The set-up of a notebook: import cost, seeds, profiles, devices, and what it says when they are amiss."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from course_utils import CourseError, pick, profile, progress, rng, runtime, seed


def run(code, **environment):
    """Run Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "COURSE_PROFILE": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_the_package_imports_nothing_heavy():
    done = run(
        """
        import sys, time
        start = time.perf_counter()
        import course_utils
        took = time.perf_counter() - start
        heavy = {"tensorflow", "keras", "numpy", "matplotlib", "sklearn"} & set(sys.modules)
        print(took < 0.5, sorted(heavy))
        """
    )
    assert done.stdout.strip() == "True []"


def test_every_offered_name_is_there():
    import course_utils

    for name in course_utils.__all__:
        assert getattr(course_utils, name) is not None
    assert set(course_utils._HOME) <= set(course_utils.__all__)
    with pytest.raises(AttributeError, match="it offers"):
        course_utils.nothing  # noqa: B018


def test_names_give_independent_repeatable_streams():
    assert seed("section 3") == seed("section 3") != seed("section 4")
    assert 0 <= seed("section 3") < 2**31
    assert np.array_equal(rng("a").random(5), rng("a").random(5))
    first, second = rng("a").random(1000), rng("b").random(1000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    assert seed("section 3") == 1718592608  # stored outputs rest on it: it may never change


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_seed_needs_a_name(name):
    with pytest.raises(TypeError, match="named by a non-empty string"):
        seed(name)


def test_the_profile_comes_from_the_environment(monkeypatch):
    for chosen, value in [("quick", 1), ("full", 2), ("smoke", 3)]:
        monkeypatch.setenv("COURSE_PROFILE", chosen)
        assert profile() == chosen
        assert pick(quick=1, full=2, smoke=3) == value
    assert pick(quick=1, full=2) == 2, "smoke takes full's branch where it has none of its own"
    assert pick(quick=1, full=2, smoke=None) is None


def test_without_environment_the_accelerator_decides(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    for accelerator, expected in [(None, "quick"), ("CPU", "quick"), ("GPU", "full"), ("TPU", "full")]:
        monkeypatch.setitem(runtime._state, "accelerator", accelerator)
        assert profile() == expected


def test_an_unknown_profile_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(CourseError, match="'fast'; it can be quick, full, smoke"):
        profile()


@pytest.mark.parametrize(("package", "version"), [("TensorFlow", "2.18.1"), ("Keras", "2.15.0")])
def test_too_old_a_version_is_named_with_the_command(package, version):
    oldest = {"TensorFlow": runtime.OLDEST_TENSORFLOW, "Keras": runtime.OLDEST_KERAS}[package]
    with pytest.raises(CourseError, match=rf"found {version}: run `%pip install --upgrade"):
        runtime._require_version(package, version, oldest)
    runtime._require_version(package, ".".join(map(str, oldest)) + ".0rc1", oldest)


def test_a_missing_tensorflow_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(
        runtime.importlib, "import_module", lambda name: (_ for _ in ()).throw(ModuleNotFoundError(name=name))
    )
    with pytest.raises(CourseError, match="TensorFlow is not installed here"):
        runtime._import_tensorflow()


def test_setup_prints_one_line_is_quiet_and_repeats():
    code = """
        from course_utils import setup
        setup()
        import keras, tensorflow as tf
        print(float(keras.random.normal(())), len(tf.config.list_physical_devices("CPU")))
    """
    first, second = run(code), run(code)
    assert first.stdout == second.stdout
    assert first.stdout.splitlines()[0] == "Profile quick on a CPU: seeds are fixed, results repeat exactly."
    assert first.stderr == ""


def test_unknown_lines_of_the_import_are_passed_on(capfd):
    with runtime.quietly():
        os.write(2, b"I0000 00:00:1 port.cc:153] oneDNN custom operations are on.\nsomething new\n")
    assert capfd.readouterr().err == "something new\n"


def test_lines_are_passed_on_after_an_exception(capfd):
    def fail():
        with runtime.quietly():
            os.write(2, b"why it failed\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "why it failed\nafter\n"


def test_two_replicas_after_setup_and_none_after_use():
    done = run(
        """
        from course_utils import setup, replicas, CourseError
        setup()
        print(replicas(2).num_replicas_in_sync)
        import tensorflow as tf
        tf.ones(1) + 1
        print(replicas(2).num_replicas_in_sync)
        try:
            replicas(3)
        except CourseError as error:
            print(error)
        """
    )
    lines = done.stdout.splitlines()
    assert lines[1:3] == ["2", "2"]
    assert "restart the kernel" in lines[3]


def test_the_number_of_replicas_is_checked_first():
    with pytest.raises(ValueError, match="whole number from 1 on, not 0"):
        runtime.replicas(0)


def test_progress_gives_every_item_and_is_silent_when_asked(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    assert list(progress(range(3), "work")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("COURSE_PROGRESS", "1")
    assert list(progress(range(3), "work")) == [0, 1, 2]
    assert "work" in capsys.readouterr().err


def test_an_error_shows_as_its_sentence_alone():
    assert CourseError("Do this.")._render_traceback_() == ["CourseError: Do this."]
