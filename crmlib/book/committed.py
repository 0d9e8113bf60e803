"""Write the outputs that are committed with the notebooks (`make notebooks`).

Each notebook is executed as by hand: with its own parameters cell, reading a
fresh version of the demo engagement that is made in a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from crmlib.book import execution, runner

DEMO_PARAMS = runner.NOTEBOOKS.parent / "params" / "demo_bank.yml"


def rewrite(notebooks: Path = runner.NOTEBOOKS, demo: Path = DEMO_PARAMS) -> list[execution.Failed]:
    """Execute every notebook on a fresh version and put it back; returns what failed."""
    with tempfile.TemporaryDirectory(prefix="crm-notebooks-") as temporary:
        scratch = Path(temporary)
        runner.run(demo, out=scratch / "reports")
        os.environ["CRM_REPORTS"] = str(scratch / "reports")
        failed = []
        with execution.Workers(1) as workers:
            for notebook in sorted(notebooks.glob("*.ipynb")):
                job = execution.Job(notebook.stem, notebook, scratch, scratch, parameters={})
                workers.submit(job)
                while isinstance(message := workers.next_message(), execution.Cell):
                    pass
                if isinstance(message, execution.Failed):
                    failed.append(message)
                else:
                    shutil.copy(job.saved, notebook)
    return failed


if __name__ == "__main__":
    for failure in (failures := rewrite()):
        sys.stderr.write(f"{failure.chapter}: {failure.error}: {failure.message}\n")
    sys.exit(1 if failures else 0)
