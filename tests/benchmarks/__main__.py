"""Run every benchmark and print one line for each: minimum of three, beside a peer.

Absolute times differ between machines; the ratio to a peer that runs in the
same minutes on the same data is what to watch. Names given on the command line
select benchmarks; the exit code is 1 where a target was missed.
"""

import importlib
import pkgutil
import sys

import tests.benchmarks


def main(chosen: list[str]) -> int:
    """Number of the exit code."""
    missed = []
    for module in pkgutil.iter_modules(tests.benchmarks.__path__):
        name = module.name.removeprefix("bench_")
        if name == module.name or (chosen and name not in chosen):
            continue
        print(f"\n{name}", flush=True)
        missed += importlib.import_module(f"tests.benchmarks.{module.name}").main() or []
    if missed:
        print(f"\nmissed: {'; '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
