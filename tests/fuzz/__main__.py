"""Runs the fuzzer: ``python -m tests.fuzz --seconds 60``, each target in a process of its own, two at a time.

What it finds is kept in ``.fuzz/TARGET/``; ``python -m tests.fuzz --target TARGET --replay FILE`` shows it again.
"""

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.seeds import SEEDS

FOUND = Path(".fuzz")
SLOWEST_SECONDS = 30
MOST_MEBIBYTES = 512
"""What a hostile file may cost at most; atheris itself and what it instruments take about half of it."""
_ENDING_SECONDS = 120
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass(frozen=True, slots=True)
class Fuzzing:
    """What came of fuzzing one target.

    Attributes:
        runs: How many inputs were tried; 0 when it broke off.
        seconds: How long that took.
        features: What was reached, as the fuzzer counts it.
        log: What it printed.
    """

    name: str
    ok: bool
    runs: int
    seconds: int
    features: str
    log: str

    def __str__(self) -> str:
        verdict = "ok" if self.ok else f"FOUND: see {FOUND / self.name}"
        return f"{self.name:<12} {self.runs:>10,} runs {self.seconds:>5} s   {self.features:<22} {verdict}"


def main() -> int:
    """Fuzz every target, or one."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long for each target")
    parser.add_argument("--jobs", type=int, default=2, help="how many targets at a time")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with")
    parser.add_argument("--target", choices=sorted(SEEDS), help="one target, in this process")
    parser.add_argument("--replay", type=Path, help="with --target: an input that was found")
    asked = parser.parse_args()
    if asked.target is not None:
        return _replay(asked.target, asked.replay) if asked.replay else _fuzz_here(asked.target, asked)
    with ThreadPoolExecutor(asked.jobs) as pool:
        results = list(pool.map(lambda name: _fuzz(name, asked), sorted(SEEDS)))
    for result in results:
        if not result.ok:
            print(result.log[-5000:])
    print(f"seed {asked.seed}")
    print(*results, sep="\n")
    return 0 if all(result.ok for result in results) else 1


def _fuzz(name: str, asked: argparse.Namespace) -> Fuzzing:
    command = [sys.executable, "-m", "tests.fuzz", "--target", name, "--seconds", str(asked.seconds)]
    done = subprocess.run(
        [*command, "--seed", str(asked.seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=asked.seconds + _ENDING_SECONDS,
        check=False,
    )
    counted, reached = _DONE.search(done.stdout), _COVERAGE.findall(done.stdout)
    runs, seconds = (int(counted[1]), int(counted[2])) if counted else (0, 0)
    features = "{} edges, {} features".format(*reached[-1]) if reached else "nothing reached"
    # a run that tried nothing shows nothing
    return Fuzzing(name, done.returncode == 0 and runs > 0, runs, seconds, features, done.stdout)


def _replay(name: str, file: Path) -> int:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  the fuzzer imports them itself, to count what they reach

    TARGETS[name].run(file.read_bytes())
    print("it holds")
    return 0


def _fuzz_here(name: str, asked: argparse.Namespace) -> int:
    try:
        import atheris  # noqa: PLC0415  not on every machine
    except ImportError:
        print("atheris cannot be installed on this machine: fuzz on Linux, x86-64, Python below 3.14", file=sys.stderr)
        return 1
    with atheris.instrument_imports(include=["api_client", "reconciler", "yaml"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415  imported while imports are instrumented
    folder = FOUND / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    fuzzed = TARGETS[name]
    options = [
        f"-max_total_time={asked.seconds}",
        f"-max_len={fuzzed.longest}",
        f"-seed={asked.seed}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MOST_MEBIBYTES}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], fuzzed.run)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
