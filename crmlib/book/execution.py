"""Chapters as processes: each notebook runs under Papermill in a worker of its own.

A worker serves one chapter after the other, so that importing Papermill is paid
once. It runs the kernel of this very interpreter with one thread per library
and no user's start-up files, and strips clocks, ids and paths from what it
saves: two executions of the same notebook on the same data are the same bytes.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlib.errors import without_credentials

if TYPE_CHECKING:
    from nbformat import NotebookNode

_START_ATTEMPTS = 3
_SAVED_EVERY = 5.0  # seconds; Papermill saves before and behind each cell, which costs a tenth

# Ends that are no exception of a cell, and whose end it was.
DEATHS = {"KernelDied": "kernel", "WorkerDied": "process"}

_KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # a warning or traceback would otherwise show the kernel's process number
    "IPYKERNEL_CELL_NAME": "cell",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


@dataclass(frozen=True)
class Job:
    """One notebook to execute in the folder that is being built."""

    chapter: str
    notebook: Path
    folder: Path
    scratch: Path
    parameters: dict[str, Any]

    @property
    def saved(self) -> Path:
        """Where the executed notebook is kept."""
        return self.folder / "notebooks" / f"{self.chapter}.ipynb"

    @property
    def log(self) -> Path:
        """What worker and kernel say outside of cells."""
        return self.scratch / f"{self.chapter}.log"


@dataclass(frozen=True)
class Cell:
    """A worker's message: this many of the notebook's cells are done."""

    chapter: str
    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """A worker's message: the chapter is executed and saved."""

    chapter: str
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A worker's message: a cell raised, the kernel died, or the worker itself did.

    Attributes
    ----------
    error : str
        The exception's class name in the kernel.
    message : str
        What it said.
    details : str
        The traceback, for the log.
    """

    chapter: str
    error: str
    message: str
    details: str


Message = Cell | Done | Failed


class Workers:
    """Up to `count` processes that execute chapters; leaving the block ends them all.

    They are started when there is work, by `spawn`: a fork would copy the
    parent's threads' locks.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._context = multiprocessing.get_context("spawn")
        self._idle: list[tuple[Any, Connection]] = []
        self._busy: dict[Connection, tuple[Any, Job]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        processes = [process for process, _ in (*self._idle, *self._busy.values())]
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()

    @property
    def free(self) -> bool:
        """Whether another chapter can start now."""
        return len(self._busy) < self.count

    def submit(self, job: Job) -> None:
        """Start a chapter."""
        while self._idle and not self._idle[-1][0].is_alive():  # killed while it had nothing to do
            self._idle.pop()
        process, connection = self._idle.pop() if self._idle else self._start()
        self._busy[connection] = (process, job)
        with contextlib.suppress(BrokenPipeError):  # its death is heard as its answer
            connection.send(job)

    def next_message(self) -> Message:
        """Wait for the next thing that a worker has to say."""
        connection = wait(list(self._busy))[0]
        process, job = self._busy[connection]
        try:
            message = connection.recv()
        except EOFError:
            process.join()
            del self._busy[connection]
            return Failed(job.chapter, "WorkerDied", _death(process.exitcode), _read_log(job))
        if not isinstance(message, Cell):
            del self._busy[connection]
            self._idle.append((process, connection))
        return message

    def _start(self) -> tuple[Any, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return process, ours


def _serve(connection: Connection) -> None:
    """A worker's life: execute what comes until the runner ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group; the runner decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(_KERNEL_ENVIRONMENT)
    os.environ.pop("PYTHONSTARTUP", None)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(_execute(job, connection))


def _end_with_parent() -> None:
    """End when the runner does, even by `kill -9`; the kernel then ends by itself."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _execute(job: Job, connection: Connection) -> Done | Failed:
    """Execute one notebook, save it, and say how it went."""
    import nbformat
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    started = time.monotonic()
    kernels: list[Any] = []
    try:
        job.saved.parent.mkdir(exist_ok=True)
        _point_to(job)
        notebook = _run_papermill(job, connection, kernels)
        _save(without_credentials(_normalised(notebook)), job.saved)
    except PapermillExecutionError as error:
        details = "\n".join(error.traceback) or str(error)
        failed = Failed(job.chapter, error.ename, error.evalue, f"{details}\n{_read_log(job)}")
    except DeadKernelError:
        code = next((kernel.ended_with for kernel in reversed(kernels)), None)
        failed = Failed(job.chapter, "KernelDied", _death(code), _read_log(job))
    except Exception as error:
        details = f"{traceback.format_exc()}\n{_read_log(job)}"
        failed = Failed(job.chapter, type(error).__name__, str(error), details)
    else:
        return Done(job.chapter, round(time.monotonic() - started, 2))
    with contextlib.suppress(OSError, ValueError):  # half a notebook, on a disk that is full
        _save(without_credentials(nbformat.read(job.saved, as_version=4)), job.saved)
    return failed


def _death(code: int | None) -> str:
    """How a process ended, as far as its exit code tells."""
    if code is None:
        return "it ended without a code"
    if code == -signal.SIGKILL:
        return "killed: perhaps out of memory"
    if code < 0:
        return f"ended by signal {-code}, {signal.strsignal(-code)}"
    return f"ended with code {code}"


def _point_to(job: Job) -> None:
    """Send start-up files, connection files and stray output to the build's scratch folder."""
    os.environ["IPYTHONDIR"] = str(job.scratch / "ipython")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(job.scratch / "runtime")
    sys.stdout.flush()
    sys.stderr.flush()
    with job.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def _run_papermill(job: Job, connection: Connection, kernels: list[Any]) -> NotebookNode:
    """Papermill's executed notebook; a kernel that dies before its first cell gets a second try.

    Kernel ports are chosen before the kernel binds them, so another process can
    take one in between. Every kernel's manager is put into `kernels`.
    """
    import papermill

    total = _count_cells(job.notebook)
    started: list[int] = []

    def on_cell(cell: NotebookNode, cell_index: int) -> None:
        started.append(cell_index)
        connection.send(Cell(job.chapter, cell_index, total))

    for attempt in range(_START_ATTEMPTS):
        try:
            return papermill.execute_notebook(
                _literal(job.notebook),
                _literal(job.saved),
                parameters=job.parameters,
                engine_name=_engine(),
                kernel_name="python3",
                language="python",
                cwd=job.folder,
                progress_bar=False,
                kernel_manager_class=_kernel_manager(kernels),
                shutdown_kernel="immediate",
                record_timing=False,
                coalesce_streams=True,
                on_cell_start=on_cell,
            )
        except RuntimeError:
            if started or attempt + 1 == _START_ATTEMPTS:
                raise
    raise AssertionError


def _count_cells(notebook: Path) -> int:
    """Cells of a notebook once the parameters are injected."""
    return len(json.loads(notebook.read_text(encoding="utf-8"))["cells"]) + 1


def _literal(path: Path) -> str:
    """A path for Papermill, which takes `{…}` in it for a parameter's place."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _engine() -> str:
    """The name of Papermill's usual engine that saves now and then, and at whatever end.

    A notebook grows by its pictures, and all of it is written at each save.
    """
    from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

    class SavesNowAndThen(NBClientEngine):
        @classmethod
        def execute_managed_notebook(
            cls, nb_man: NotebookExecutionManager, kernel_name: str, **kwargs: Any
        ) -> None:
            save, last = nb_man.save, time.monotonic()

            def save_if_due(**given: Any) -> None:
                nonlocal last
                if time.monotonic() - last >= _SAVED_EVERY:
                    save(**given)
                    last = time.monotonic()

            nb_man.save = save_if_due
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
            finally:
                nb_man.save = save

    name = "saves_now_and_then"
    papermill_engines.register(name, SavesNowAndThen)
    return name


def _kernel_manager(kernels: list[Any]) -> type:
    """A kernel manager for this interpreter, whatever kernel a user has named `python3`.

    Its instances put themselves into `kernels` and note how their process ended.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    command = [sys.executable, "-m", "crmlib.book.kernel", "-f", "{connection_file}"]
    command += ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]

    class ThisInterpreter(AsyncKernelManager):
        kernel_spec = KernelSpec(argv=command, display_name="Python 3", language="python")
        ended_with: int | None = None

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            kernels.append(self)

        async def _async_is_alive(self) -> bool:
            if self.has_kernel:
                self.ended_with = await self.provisioner.poll()
            return await super()._async_is_alive()

        is_alive = _async_is_alive

    return ThisInterpreter


def _normalised(notebook: NotebookNode) -> NotebookNode:
    """Cell ids by position, and no metadata that tells a time, a place or a machine."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "pygments_lexer": "ipython3",
        },
    }
    notebook.nbformat_minor = 5
    for position, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{position}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
    return notebook


def _save(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def _read_log(job: Job) -> str:
    return job.log.read_text(encoding="utf-8", errors="replace") if job.log.exists() else ""
