"""Wall time as the minimum of three runs, the ratio of two, and targets met or missed."""

import time
from collections.abc import Callable


def fastest(step: Callable[[], object], runs: int = 3, enough: float = float("inf")) -> float:
    """Seconds of the fastest of some runs: the one that was disturbed least.

    A run of more than `enough` seconds is not repeated.
    """
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
        if seconds[-1] > enough:
            break
    return min(seconds)


def report(what: str, ours: float, peer_name: str, peer: float) -> None:
    """One line: our time, the peer's, and how many times faster we are."""
    print(f"  {what:<46} {ours:8.3f} s   {peer_name} {peer:8.3f} s   {peer / ours:6.1f} x")


def target(what: str, found: float, most: float, unit: str) -> list[str]:
    """One line with the word pass or fail; what was missed, for the exit code."""
    word = "pass" if found <= most else "FAIL"
    print(f"  {what:<46} {found:8.2f} {unit:<3} of at most {most:6g}   {word}")
    return [] if found <= most else [what]
