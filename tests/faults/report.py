"""What a campaign prints at its end."""

import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.campaign import Total
from tests.faults.judge import Rule

_MOST = 20


def text(total: Total) -> str:
    """The figures, and every broken promise with the command that repeats it."""
    reports = [report for _, report in total.reports]
    kinds = Counter(fault for report in reports for fault in report.faults)
    broken = Counter(violation.rule for report in reports for violation in report.violations)
    settle = sorted(seconds for report in reports for seconds in report.settle_seconds)
    windows = sorted(float(window) for report in reports for window in report.windows_ms)
    lines = [
        f"faults injected: {total.faults} in {len(reports)} trials",
        *(f"  {count:6} {kind}" for kind, count in kinds.most_common()),
        f"failpoints: {len(total.points)} known, {len(total.hit)} hit",
        ", ".join(f"{rule.value}: {broken[rule]}" for rule in Rule),
        f"trials that could not be ended: {len(total.failed)}",
        f"seconds to a definite state: {_spread(settle, '.2f')}",
        f"window_ms: {_spread(windows, '.0f')}",
        f"seed: {total.seed}, commit: {_commit()}, duration: {total.seconds:.0f} s",
    ]
    missed = sorted(total.points - total.hit)
    lines += [f"not hit: {course}: {name} @{number}" for course, (name, number) in missed[:_MOST]]
    if len(missed) > _MOST:
        lines.append(f"not hit: and {len(missed) - _MOST} more")
    lines += [
        f"BROKEN {violation.rule.value}: {violation.what}\n  {report.faults}\n  {job.replay(total.seed)}"
        for job, report in total.reports
        for violation in report.violations
    ]
    for job, trace in total.failed[:_MOST]:
        lines.append(f"NOT ENDED: {job.replay(total.seed)}\n{trace}")
    return "\n".join(lines)


def _spread(values: Sequence[float], form: str) -> str:
    """The middle, the 99th part of a hundred, and the largest."""
    if not values:
        return "none seen"
    middle, late = values[len(values) // 2], values[min(len(values) - 1, int(len(values) * 0.99))]
    return f"p50 {middle:{form}}, p99 {late:{form}}, max {values[-1]:{form}} of {len(values)}"


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return done.stdout.strip() or "unknown"
