"""Set-up of a notebook: seeds, determinism, devices, profile, plot style."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    import tensorflow as tf

COURSE_SEED = 2025
PROFILES = ("quick", "full", "smoke")
OLDEST_TENSORFLOW = (2, 19)
OLDEST_KERAS = (3, 10)

# What TensorFlow writes to the process's standard error while it is imported and finds no accelerator,
# below and past what TF_CPP_MIN_LOG_LEVEL stops.
_KNOWN_LINES = re.compile(
    r"^I\d{4} "  # information, not a warning
    r"|All log messages before absl::InitializeLog"
    r"|oneDNN custom operations"
    r"|[Cc]ould not find cuda drivers"
    r"|failed call to cuInit"
    r"|Unable to register cu(FFT|DNN|BLAS) factory"
    r"|computation placer already registered"
    r"|This TensorFlow binary is optimized to use"
    r"|To enable the following instructions"
    r"|op_level_cost_estimator"  # the graph optimizer does not know what crop_and_resize costs
)

_state: dict[str, Any] = {"accelerator": None}

Choice = TypeVar("Choice")
Item = TypeVar("Item")


def setup() -> None:
    """Make a notebook ready: import TensorFlow quietly, fix the seeds, find the device, set the plot style.

    Prints one line with the profile and the device. Logical devices are not initialised, so that
    :func:`replicas` still works afterwards.

    Raises
    ------
    CourseError
        If TensorFlow is missing or too old, or if ``COURSE_PROFILE`` names no profile.
    """
    _profile_from_environment()
    tensorflow = _import_tensorflow()
    import keras

    _require_version("TensorFlow", tensorflow.__version__, OLDEST_TENSORFLOW)
    _require_version("Keras", keras.__version__, OLDEST_KERAS)
    device, count = _find_accelerator(tensorflow)
    _state["accelerator"] = device

    keras.utils.set_random_seed(COURSE_SEED)
    if device == "CPU":
        # On an accelerator some operations have no deterministic version and would raise.
        tensorflow.config.experimental.enable_op_determinism()
    if os.environ.get("COURSE_PROGRESS") == "0":
        keras.config.disable_interactive_logging()

    from course_utils import figure_content, plot

    plot.style()
    shell = _shell()
    if shell is not None:
        figure_content.register(shell)
    place = "a CPU" if device == "CPU" else f"{count} {device}{'s' if count > 1 else ''}"
    determinism = "results repeat exactly" if device == "CPU" else "results repeat up to rounding"
    print(f"Profile {profile()} on {place}: seeds are fixed, {determinism}.")


def profile() -> str:
    """Return the profile: what ``COURSE_PROFILE`` says, else full on an accelerator and quick on a CPU.

    Returns
    -------
    str
        ``"quick"``, ``"full"`` or ``"smoke"``. Before :func:`setup` has looked for an accelerator the
        answer without ``COURSE_PROFILE`` is ``"quick"``.

    Raises
    ------
    CourseError
        If ``COURSE_PROFILE`` is set to anything else.
    """
    chosen = _profile_from_environment()
    if chosen:
        return chosen
    return "quick" if _state["accelerator"] in (None, "CPU") else "full"


_FULL = object()


def pick(*, quick: Choice, full: Choice, smoke: Choice | object = _FULL) -> Choice:
    """Choose a setting by profile; the only switch that a notebook has.

    Parameters
    ----------
    quick, full
        The values for a CPU in class and for an accelerator.
    smoke
        The value for a test of the full path on truncated data; `full` where it is not given. Lengths of
        training take ``smoke=1``.

    Returns
    -------
    The value that belongs to :func:`profile`.
    """
    current = profile()
    if current == "quick":
        return quick
    return full if current == "full" or smoke is _FULL else smoke


def seed(name: str) -> int:
    """Derive a seed from a name, for ``keras.utils.set_random_seed`` and Keras initializers.

    Parameters
    ----------
    name
        What the seed is for, such as ``"section 3"``. Equal names give equal seeds; a section inserted
        above changes no other section's seed.

    Returns
    -------
    int
        A number from 0 to 2³¹ − 1.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"a seed is named by a non-empty string such as 'section 3', not {name!r}")
    digest = hashlib.sha256(f"{COURSE_SEED}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def rng(name: str) -> np.random.Generator:
    """Return a NumPy generator for the named stream, independent of all other names.

    Parameters
    ----------
    name
        What the stream is for, such as ``"section 3"``.

    Returns
    -------
    numpy.random.Generator
        Freshly started: two calls with the same name give the same numbers.
    """
    import numpy as np

    return np.random.default_rng(seed(name))


def progress(iterable: Iterable[Item], description: str = "") -> Iterator[Item]:
    """Show a progress bar while iterating; silent where outputs are stored (``COURSE_PROGRESS=0``).

    Parameters
    ----------
    iterable
        What to go through.
    description
        What the bar is labelled with.

    Returns
    -------
    Iterator
        The same items in the same order.
    """
    from tqdm import tqdm

    return tqdm(iterable, desc=description, leave=False, disable=os.environ.get("COURSE_PROGRESS") == "0")


def strategy() -> tf.distribute.Strategy:
    """Return the ``tf.distribute`` strategy for this machine: TPU, several GPUs, or one device.

    Returns
    -------
    tf.distribute.Strategy
        ``TPUStrategy``, ``MirroredStrategy`` over all GPUs, or the default strategy.
    """
    import tensorflow as tf

    if _state["accelerator"] == "TPU":
        return tf.distribute.TPUStrategy(_state["resolver"])
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def replicas(count: int) -> tf.distribute.Strategy:
    """Return a strategy that trains `count` replicas side by side, on logical devices if need be.

    Parameters
    ----------
    count
        How many replicas, at least 1. With that many GPUs each gets one; otherwise the CPU is divided into
        logical devices, which shows the mechanism and gains no speed.

    Returns
    -------
    tf.distribute.MirroredStrategy
        Over `count` devices.

    Raises
    ------
    CourseError
        If the devices are in use already, so that the CPU can no longer be divided.
    """
    import tensorflow as tf

    if not isinstance(count, int) or count < 1:
        raise ValueError(f"the number of replicas is a whole number from 1 on, not {count!r}")
    # Listing logical GPUs here would initialise all devices, and the CPU could no longer be divided.
    if len(tf.config.list_physical_devices("GPU")) >= count:
        return tf.distribute.MirroredStrategy([f"GPU:{index}" for index in range(count)])
    processor = tf.config.list_physical_devices("CPU")[0]
    wanted = [tf.config.LogicalDeviceConfiguration()] * count
    if len(tf.config.get_logical_device_configuration(processor) or [None]) != count:
        try:
            tf.config.set_logical_device_configuration(processor, wanted)
        except RuntimeError as error:
            raise CourseError(
                f"The CPU cannot be divided into {count} logical devices any more, because TensorFlow has "
                "used it: restart the kernel and run this cell before any other that computes."
            ) from error
    return tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(count)])


def _profile_from_environment() -> str | None:
    chosen = os.environ.get("COURSE_PROFILE") or None
    if chosen is not None and chosen not in PROFILES:
        raise CourseError(f"COURSE_PROFILE is {chosen!r}; it can be {', '.join(PROFILES)}, or unset.")
    return chosen


def _import_tensorflow() -> Any:
    # Level 3: with determinism on, the graph optimizer writes a time-stamped line for each `fit`.
    # Errors still reach Python, as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quietly():
            tensorflow = importlib.import_module("tensorflow")
            # Looking for GPUs writes lines too, once; it does not initialise the devices.
            tensorflow.config.list_physical_devices()
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise CourseError(
            "TensorFlow is not installed here. Run `%pip install tensorflow` (on a Colab TPU runtime: "
            "`%pip install tensorflow-tpu -f https://storage.googleapis.com/libtpu-tf-releases/index.html`), "
            "restart the kernel, then run this cell again."
        ) from error
    # In a notebook TensorFlow logs at level INFO, such as each reduction between replicas.
    tensorflow.get_logger().setLevel("WARNING")
    return tensorflow


@contextmanager
def quietly() -> Iterator[None]:
    """Hold back what C++ code writes to file descriptor 2, and pass on all but the known lines.

    TensorFlow announces itself there when it is imported, and again when XLA compiles for the first time.
    """
    sys.stderr.flush()
    try:
        original = os.dup(2)
    except OSError:  # no standard error at all, as under pythonw
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            text = held.read().decode(errors="replace")
            rest = [line for line in text.splitlines() if line.strip() and not _KNOWN_LINES.search(line)]
            if rest:
                print("\n".join(rest), file=sys.stderr)


def _require_version(package: str, version: str, oldest: tuple[int, int]) -> None:
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if found < oldest:
        wanted = ".".join(map(str, oldest))
        raise CourseError(
            f"This course needs {package} {wanted} or newer and found {version}: "
            f'run `%pip install --upgrade "{package.lower()}>={wanted}"` and restart the kernel.'
        )


def _find_accelerator(tensorflow: Any) -> tuple[str, int]:
    """Return the kind and number of the fastest devices that TensorFlow can use here."""
    if any(name in os.environ for name in ("COLAB_TPU_ADDR", "TPU_NAME", "TPU_WORKER_ID")):
        try:
            resolver = tensorflow.distribute.cluster_resolver.TPUClusterResolver(
                tpu=os.environ.get("TPU_NAME", "local")
            )
            tensorflow.config.experimental_connect_to_cluster(resolver)
            tensorflow.tpu.experimental.initialize_tpu_system(resolver)
        except Exception as error:  # whatever keeps the TPU from starting, the course goes on without it
            print(f"The TPU did not start ({type(error).__name__}); the course goes on without it.")
        else:
            _state["resolver"] = resolver
            return "TPU", len(tensorflow.config.list_logical_devices("TPU"))
    graphics = len(tensorflow.config.list_physical_devices("GPU"))
    return ("GPU", graphics) if graphics else ("CPU", 1)


def _shell() -> Any | None:
    """Return the running IPython shell, or None outside a notebook."""
    if "IPython" not in sys.modules:
        return None
    return sys.modules["IPython"].get_ipython()
