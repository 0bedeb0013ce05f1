"""What a fleet takes of memory and disk, by its size: the highest resident memory, and the database."""

import subprocess
import sys
from dataclasses import dataclass

from benchmarks.processes import ROOT, memory_mib
from benchmarks.report import Goal, show
from benchmarks.service import service
from benchmarks.stage import stage

_IMPORTS = "import reconciler.runtime.serve; from benchmarks.processes import memory_mib; print(memory_mib()[0])"
_MIB = 1024 * 1024
_PART = 10
"""The smaller fleet has so much fewer chatbots."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one fleet took, in MiB.

    Attributes:
        memory: At its highest, the first run and two full refreshes included.
        database: Its file with what is not yet written back into it.
        documents: The documents' own bytes in git.
    """

    memory: float
    database: float
    documents: float


def main(*, chatbots: int = 1_000) -> list[Goal]:
    """Measure a fleet, and a smaller one."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    alone = float(done.stdout)
    show(f"  the program alone, after its imports: {alone:.0f} MiB")
    small, large = (_footprint(size) for size in (max(1, chatbots // _PART), chatbots))
    return [
        Goal(
            f"highest memory at {chatbots} / at {chatbots // _PART}",
            large.memory / small.memory,
            1.25,
            f"{small.memory:.0f} MiB",
        ),
        Goal("highest memory beyond the imports, MiB", large.memory - alone, 90, f"{alone:.0f} MiB"),
        Goal(
            "database / the documents' own bytes", large.database / large.documents, 1.5, f"{large.documents:.1f} MiB"
        ),
    ]


def _footprint(chatbots: int) -> Footprint:
    with stage(chatbots) as on, service(on) as running:
        running.startup()
        highest = [memory_mib(running.process.pid)[1]]
        for _ in range(2):
            running.refresh()
            highest.append(memory_mib(running.process.pid)[1])
        folder = on.database.parent
        database = sum(file.stat().st_size for file in folder.glob(f"{on.database.name}*")) / _MIB
        documents = sum(file.stat().st_size for file in on.repository.glob("chatbots/*")) / _MIB
    steps = ", ".join(f"{mib:.0f}" for mib in highest)
    show(
        f"  {chatbots} chatbots: at most {steps} MiB after each run",
        f"    database {database:.1f} MiB, documents {documents:.1f} MiB",
    )
    return Footprint(highest[-1], database, documents)
