"""``python -m benchmarks [NAME…]``: run the benchmarks, all by default, and print their figures."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    calls,
    changed,
    conditional,
    first_run,
    footprint,
    pacing,
    page,
    parses,
    quiet,
    scaling,
    status,
    sweep,
    webhook,
)
from benchmarks.report import Goal, commit, machine, show, table, with_table


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What is measured, with which fleets.

    Attributes:
        main: Measures, prints how, and gives what is held against goals.
        quick: How many chatbots a quick run has.
        full: How many a full one has.
    """

    main: Callable[..., list[Goal]]
    quick: int = 1_000
    full: int = 10_000


BENCHMARKS: Mapping[str, Benchmark] = {
    "quiet": Benchmark(quiet.main),
    "changed": Benchmark(changed.main),
    "parses": Benchmark(parses.main),
    "calls": Benchmark(calls.main),
    "sweep": Benchmark(sweep.main),
    "pacing": Benchmark(pacing.main, full=3_000),
    "webhook": Benchmark(webhook.main),
    "conditional": Benchmark(conditional.main),
    "status": Benchmark(status.main),
    "footprint": Benchmark(footprint.main),
    "first_run": Benchmark(first_run.main),
    "page": Benchmark(page.main),
    "scaling": Benchmark(scaling.main),
}


def main() -> int:
    """Run what is asked for; the exit code is 1 when a goal was not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print the figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--chatbots", type=int, metavar="N", help="the size of the fleet (default: 1000)")
    parser.add_argument("--full", action="store_true", help="with fleets of 10000, for the goals that are set for them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into a file, too")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw what `scaling` measures into an SVG file")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write them into the table of a page, too")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: use {', '.join(BENCHMARKS)}")
    where = f"{machine()}, commit {commit()}"
    show(where)
    measured = {name: _run(name, options) for name in options.names or BENCHMARKS}
    if options.json:
        figures = {name: [goal.as_json() for goal in goals] for name, goals in measured.items()}
        options.json.write_text(json.dumps({"measured": where, "figures": figures}, indent=1) + "\n", encoding="utf-8")
    if options.page:
        options.page.write_text(
            with_table(options.page.read_text(encoding="utf-8"), table(where, measured)), encoding="utf-8"
        )
    return 0 if all(goal.reached for goals in measured.values() for goal in goals) else 1


def _run(name: str, options: argparse.Namespace) -> list[Goal]:
    benchmark = BENCHMARKS[name]
    chatbots = options.chatbots or (benchmark.full if options.full else benchmark.quick)
    show(f"\n{name}, {chatbots} chatbots")
    drawn = {"picture": options.picture} if name == "scaling" else {}
    goals = benchmark.main(chatbots=chatbots, **drawn)
    show(*(f"  {goal.line()}" for goal in goals))
    return goals


if __name__ == "__main__":
    sys.exit(main())
