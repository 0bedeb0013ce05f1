"""How much memory the service holds, and how much of that is the program itself."""

import subprocess
import sys

from benchmarks.processes import ROOT, memory_mib
from benchmarks.report import Goal, show
from benchmarks.service import service
from benchmarks.stage import stage

_IMPORTS = "import reconciler.runtime.serve; from benchmarks.processes import ROOT, memory_mib; print(memory_mib()[0])"


def main(*, chatbots: int = 1_000) -> list[Goal]:
    """Print it; there is no goal yet."""
    imports = [sys.executable, "-c", _IMPORTS]
    done = subprocess.run(imports, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    show(f"  the program alone, after its imports: {float(done.stdout):.0f} MiB")
    with stage(chatbots) as on, service(on) as running:
        running.startup()
        _show("after the first run, everything parsed and new", running.process.pid)
        for when in ("after one more full refresh", "after two more full refreshes"):
            running.refresh()
            _show(when, running.process.pid)
    return []


def _show(when: str, pid: int) -> None:
    now, highest = memory_mib(pid)
    show(f"  {when}: {now:.0f} MiB, at most {highest:.0f} MiB so far")
