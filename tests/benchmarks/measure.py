"""Wall time as the minimum of three runs, and the ratio of two."""

import time
from collections.abc import Callable


def fastest(step: Callable[[], object], runs: int = 3) -> float:
    """Seconds of the fastest of some runs: the one that was disturbed least."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def report(what: str, ours: float, peer_name: str, peer: float) -> None:
    """One line: our time, the peer's, and how many times faster we are."""
    print(f"  {what:<46} {ours:8.3f} s   {peer_name} {peer:8.3f} s   {peer / ours:6.1f} x")
