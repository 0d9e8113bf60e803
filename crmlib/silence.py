"""Compiled libraries kept from writing on the screen.

HiGHS now and then prints a line on the process's standard output, below Python, which a
notebook or the output of a command would show; no option of `scipy.optimize` prevents it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

STDOUT = 1  # the process's, whatever `sys.stdout` is in a notebook or a test


@contextlib.contextmanager
def silent_stdout() -> Iterator[None]:
    """Drop what is written on file descriptor 1 meanwhile, and restore it whatever happens.

    The descriptor belongs to the process: other threads are silent meanwhile, too. Where
    there is no such descriptor there is nothing to silence.
    """
    try:
        kept = os.dup(STDOUT)
    except OSError:
        yield
        return
    _flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDOUT)
        yield
    finally:
        _flush_c()  # what C still holds would come out later
        os.dup2(kept, STDOUT)
        os.close(nowhere)
        os.close(kept)


def _flush() -> None:
    """Write out what Python and C have kept for the descriptor so far."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):  # closed, or no file
            sys.stdout.flush()
    _flush_c()


def _flush_c() -> None:
    with contextlib.suppress(OSError, TypeError, AttributeError):  # no C library by that name
        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
