"""The kernel process of one chapter: ipykernel, ending with the runner that started it.

ipykernel watches its parent too, but begins only after its imports and then
takes "adopted by process 1" for the sign that the parent is gone. Under a
session manager that adopts orphans itself, a kernel whose runner was killed in
that moment would live for ever.
"""

from __future__ import annotations

import os
import threading
import time

_POLL_SECONDS = 0.2


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)


def main() -> None:
    """Start ipykernel on the connection file that the command line names."""
    parent = int(os.environ["JPY_PARENT_PID"])
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()

    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


if __name__ == "__main__":
    main()
