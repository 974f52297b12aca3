"""Compile requirements.txt, one lock for every platform and Python version, from pyproject.toml."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every package of the course with its version, for all platforms and Python 3.11 to 3.13.
# Compiled from pyproject.toml by `make lock`; do not edit.
"""


def main() -> None:
    """Resolve the course's and the tests' packages within the pins of ``[tool.course]``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    constraints = ROOT / "build" / "pins.txt"
    constraints.parent.mkdir(exist_ok=True)
    constraints.write_text("\n".join(project["tool"]["course"]["pins"]) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--extra", "course"]
    command += ["--extra", "test", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate"]
    command += ["--constraint", str(constraints), "--quiet", *sys.argv[1:]]
    compiled = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (ROOT / "requirements.txt").write_text(HEADER + compiled, encoding="utf-8")
    print(f"requirements.txt: {len(compiled.splitlines())} packages")


if __name__ == "__main__":
    main()
