"""Run every benchmark and print one line for each: minimum of three, beside a peer.

Absolute times differ between machines; the ratio to a peer that runs in the
same process on the same data is what to watch.
"""

import importlib
import pkgutil

import tests.benchmarks

if __name__ == "__main__":
    for module in pkgutil.iter_modules(tests.benchmarks.__path__):
        if module.name.startswith("bench_"):
            print(f"\n{module.name.removeprefix('bench_')}")
            importlib.import_module(f"tests.benchmarks.{module.name}").main()
