"""The text of the set-up cell, the same in every notebook."""

TAG = "setup"
_TEMPLATE = """\
# On Colab this adds the course's helper package and leaves all other packages as they are.
import importlib.util
import os
import subprocess
import sys

REPOSITORY = "<repository>"
SOURCE = os.environ.get("COURSE_SOURCE", f"git+{REPOSITORY}@<release>")
if importlib.util.find_spec("course_utils") is None:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", SOURCE]
    if subprocess.run(install, check=False).returncode:
        raise SystemExit(f"No course_utils from {SOURCE}: check the network, then run this cell again.")

from course_utils import setup

setup()"""


def source(repository: str, release: str) -> str:
    """Return the set-up cell.

    Parameters
    ----------
    repository
        Address of the repository, without a slash at its end.
    release
        Tag of the release that is installed on Colab.
    """
    return _TEMPLATE.replace("<repository>", repository).replace("<release>", release)
