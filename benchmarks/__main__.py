"""``python -m benchmarks [NAME…]``: run the benchmarks, all by default, and print their figures."""

import argparse
import sys
from collections.abc import Callable, Mapping

from benchmarks import conditional, memory, page, parses, sweep
from benchmarks.report import Goal, machine, show

BENCHMARKS: Mapping[str, Callable[..., list[Goal]]] = {
    "parses": parses.main,
    "sweep": sweep.main,
    "conditional": conditional.main,
    "memory": memory.main,
    "page": page.main,
}

_SIZE = 1_000
_SIZES = {"page": 10_000}
"""What is to stay usable with a large fleet is measured with one."""


def main() -> int:
    """Run what is asked for; the exit code is 1 when a goal was not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print the figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument(
        "--chatbots", type=int, metavar="N", help="the size of the fleet (default: 1000, for page 10000)"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: use {', '.join(BENCHMARKS)}")
    show(machine())
    goals = [goal for name in options.names or BENCHMARKS for goal in _run(name, options.chatbots)]
    return 0 if all(goal.reached for goal in goals) else 1


def _run(name: str, chatbots: int | None) -> list[Goal]:
    show(f"\n{name}, {chatbots or _SIZES.get(name, _SIZE)} chatbots")
    goals = BENCHMARKS[name](chatbots=chatbots or _SIZES.get(name, _SIZE))
    show(*(f"  {goal.line()}" for goal in goals))
    return goals


if __name__ == "__main__":
    sys.exit(main())
