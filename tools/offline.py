"""Runs the notebooks' regression with no network but loopback, in a network namespace of its own."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import struct
import subprocess
import sys

from tools.notebook_files import ROOT, choose

# A public name server: without a route the attempt fails at once.
PUBLIC = ("1.1.1.1", 53)
INSIDE = "COURSE_INSIDE_NAMESPACE"
# Numbers of Linux: read and write the flags of a network device, and the flag that brings it up.
READ_FLAGS, WRITE_FLAGS, UP = 0x8913, 0x8914, 1


def namespace() -> list[str] | None:
    """Return the command that starts another without a network, or None when this machine cannot."""
    if not sys.platform.startswith("linux") or not shutil.which("unshare"):
        return None
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return None


def raise_loopback() -> None:
    """Bring up the loopback device, over which kernels talk."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(handle, READ_FLAGS, request))[1]
        fcntl.ioctl(handle, WRITE_FLAGS, struct.pack("16sH14s", b"lo", flags | UP, b""))


def regression(notebooks: list[str]) -> list[str]:
    """Return the command that compares the notebooks' outputs."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider"]
    command += ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    return command + notebooks


def main(arguments: list[str] | None = None) -> int:
    """Run the regression; return its exit code, or 0 when this machine has no namespaces."""
    parser = argparse.ArgumentParser(prog="python -m tools.offline", description=__doc__)
    parser.add_argument("notebooks", nargs="*", help="notebooks; without any, all of them")
    notebooks = [str(path) for path in choose(parser, parser.parse_args(arguments).notebooks)]
    if os.environ.get(INSIDE) == "1":
        raise_loopback()
        others = [name for _, name in socket.if_nameindex() if name != "lo"]
        print(f"Network devices: lo{''.join(f', {name} (down)' for name in others)}.", flush=True)
        if reaches_the_world():
            print("The network namespace is not closed: a public address answers.")
            return 1
        return subprocess.run(regression(notebooks), cwd=ROOT, check=False).returncode
    command = namespace()
    if command is None:
        print("Skipped: this machine allows no network namespaces, so nothing was run offline.")
        return 0
    again = [*command, sys.executable, "-m", "tools.offline", *notebooks]
    return subprocess.run(again, cwd=ROOT, env=os.environ | {INSIDE: "1"}, check=False).returncode


def reaches_the_world() -> bool:
    """Return whether a public address answers."""
    try:
        with socket.create_connection(PUBLIC, timeout=3):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
