"""One kernel for one notebook: nbclient executes the cells, this module watches the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from nbformat import NotebookNode

SAMPLING = 0.1
STARTS = 3
MEGABYTE = 2**20


class KernelError(RuntimeError):
    """A cell did not come to its end; `kind` says how: "error", "claim", "timeout" or "dead"."""

    def __init__(self, kind: str, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.traceback = traceback


class SameInterpreter(KernelSpecManager):
    """Finds one kernel: the Python of this process, or another one asked for, whatever is installed."""

    python = sys.executable

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the specification of that kernel."""
        command = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python", name=kernel_name)


@dataclass
class Usage:
    """Resources that a kernel has used: wall and CPU seconds, and the peak of its memory in MB."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0


class NotebookKernel:
    """Executes the cells of a notebook one at a time.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook; outputs are written into its cells.
    folder : Path
        Where the kernel starts.
    environment : mapping of str to str
        All environment variables of the kernel.
    timeout : float
        Seconds that one cell may take.
    """

    def __init__(
        self, notebook: NotebookNode, folder: Path, environment: Mapping[str, str], timeout: float = 600
    ) -> None:
        self.specifications = SameInterpreter()
        # Tools run notebooks in other environments by naming their Python here.
        self.specifications.python = environment.get("COURSE_KERNEL_PYTHON", sys.executable)
        self.notebook = notebook
        self.timeout = timeout
        self._connect()
        self.folder = folder
        self.environment = dict(environment)
        self.loop = asyncio.new_event_loop()
        self.executed = 0
        self.usage = Usage()
        self._watch = _Watch()
        # What the process itself writes (a kernel's log, a library's last words) is kept for its obituary.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the kernel

    def __enter__(self) -> NotebookKernel:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the kernel and wait until it answers.

        The kernel is told ports that were free a moment earlier. Another kernel that starts at the same
        time can take one of them, and then this one dies before any cell has run: it is started again.

        Raises
        ------
        KernelError
            When the kernel died before it answered, at each of several starts.
        """
        for remaining in reversed(range(STARTS)):
            try:
                self._wait(
                    self.client.async_start_new_kernel(
                        cwd=str(self.folder), env=self.environment, stderr=self._log
                    )
                )
                process = self.manager.provisioner.process
                self._wait(self.client.async_start_new_kernel_client())
            except RuntimeError as error:
                if not remaining:
                    why = "\n".join([str(error), *self._last_lines()])
                    raise KernelError("dead", f"the kernel did not start: {why}") from error
                self._connect()
            else:
                self._watch.start(process.pid)
                return

    def execute(self, position: int) -> None:
        """Execute one cell; its outputs are in the notebook afterwards.

        Parameters
        ----------
        position : int
            Place of the cell among all cells of the notebook.

        Raises
        ------
        KernelError
            When the cell raised, took too long or killed the kernel.
        """
        cell = self.client.nb.cells[position]
        if not cell.source.strip():
            cell.outputs, cell.execution_count = [], None
            return
        self.executed += 1
        started, used = time.perf_counter(), self._watch.cpu()
        try:
            self._wait(self.client.async_execute_cell(cell, position, execution_count=self.executed))
        except CellExecutionError as error:
            kind = "claim" if error.ename == "ClaimError" else "error"
            raise KernelError(kind, f"{error.ename}: {error.evalue}", error.traceback) from None
        except CellTimeoutError:
            raise KernelError("timeout", f"the cell took longer than {self.client.timeout:g} s") from None
        except DeadKernelError:
            raise KernelError("dead", self._obituary(cell)) from None
        finally:
            self.usage.wall += time.perf_counter() - started
            self.usage.cpu += max(0.0, self._watch.cpu() - used)
            self.usage.peak = max(self.usage.peak, self._watch.peak())

    def close(self) -> None:
        """Stop the kernel and everything that it has started."""
        self._watch.stop()
        children = self._watch.family()
        # At the end of a run nothing about the kernel is left to save, so it is not asked but stopped.
        self.client.shutdown_kernel = "immediate"
        with contextlib.suppress(Exception):
            self._wait(self.client._async_cleanup_kernel())
        for process in children:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._cancel_waiting()
        self.loop.close()
        self._log.close()

    def _connect(self) -> None:
        """Make a manager and a client; each pair serves one start, since both keep the ports."""
        self.manager = AsyncKernelManager(kernel_spec_manager=self.specifications, kernel_name="python3")
        self.client = NotebookClient(
            self.notebook,
            km=self.manager,
            timeout=self.timeout,
            coalesce_streams=True,
            store_widget_state=False,
            skip_cells_with_tag="",
        )
        self.client.log.setLevel(logging.CRITICAL)

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        asyncio.set_event_loop(self.loop)
        return self.loop.run_until_complete(work)

    def _cancel_waiting(self) -> None:
        """End what nbclient still waits for after a kernel died or was stopped in the middle of a cell."""
        waiting = asyncio.all_tasks(self.loop)
        for task in waiting:
            task.cancel()
        if waiting:
            self.loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))

    def _obituary(self, cell: NotebookNode) -> str:
        process = self.manager.provisioner.process if self.manager.provisioner else None
        code = process.poll() if process else self._watch.code
        if code is None:
            how = "for an unknown reason"
        elif code < 0:
            how = f"by signal {-code} ({_signal_name(-code)})"
        else:
            how = f"with exit code {code}"
        text = "".join(output.get("text", "") for output in cell.outputs if output.output_type == "stream")
        last = self._last_lines(text)
        tail = "; last output:\n" + "\n".join(last) if last else "; no output before"
        return f"the kernel died {how}, peak memory {self._watch.peak():.0f} MB{tail}"

    def _last_lines(self, text: str = "") -> list[str]:
        """Return the last lines of what a cell printed and the process wrote."""
        self._log.seek(0)
        log = self._log.read().decode(errors="replace")
        text += "".join(line for line in log.splitlines(keepends=True) if "IPKernelApp" not in line)
        return text.strip().splitlines()[-5:]


class _Watch:
    """Samples the memory and CPU of a process and its children."""

    def __init__(self) -> None:
        self.process: psutil.Process | None = None
        self.code: int | None = None
        self._peak = 0.0
        self._cpu = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def family(self) -> list[psutil.Process]:
        try:
            return [self.process, *self.process.children(recursive=True)] if self.process else []
        except psutil.Error:
            return []

    def cpu(self) -> float:
        """Return CPU seconds so far, of finished children as well."""
        total = 0.0
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
                if process == self.process:
                    total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        self._cpu = max(self._cpu, total)
        return self._cpu

    def peak(self) -> float:
        """Return the largest memory seen so far in MB."""
        self._look()
        if self.process and sys.platform == "linux":
            # The kernel's own high-water mark catches what falls between two samples.
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{self.process.pid}/status").read_text()
                marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
                self._peak = max([self._peak, *(float(mark) / 1024 for mark in marks)])
        return self._peak

    def _look(self) -> None:
        total = 0
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        self._peak = max(self._peak, total / MEGABYTE)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLING):
            self._look()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
