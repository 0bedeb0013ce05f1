"""What a verification of the audit log found, as text and as JSON."""

import json
from dataclasses import asdict

from reconciler.domain.audit_verify import Report
from reconciler.domain.visible import visible


def report_text(report: Report) -> str:
    """A verdict, then each finding on a line of its own."""
    if report.intact:
        return f"The audit log is intact: {_extent(report)}.\n{_head(report)}{_heads(report)}"
    findings = "".join(f"! {each.seq:>8}  {each.kind:<17}  {visible(each.message)}\n" for each in report.findings)
    left = report.found - len(report.findings)
    more = f"  … and {left} more\n" if left else ""
    what = "finding" if report.found == 1 else "findings"
    return f"{findings}{more}{report.found} {what} in {_extent(report)}.\n{_heads(report)}"


def report_json(report: Report) -> str:
    """The same for programs."""
    shape = {
        "intact": report.intact,
        "entries": report.entries,
        "first": report.first,
        "head": asdict(report.head) if report.head else None,
        "heads": {"held": report.heads_held, "unchecked": report.heads_unchecked},
        "found": report.found,
        "findings": [asdict(each) for each in report.findings],
    }
    return json.dumps(shape, indent=2) + "\n"


def _extent(report: Report) -> str:
    if report.head is None:
        return "no entry"
    entries = "1 entry" if report.entries == 1 else f"{report.entries:,} entries"
    return f"{entries}, {report.first} to {report.head.seq}"


def _head(report: Report) -> str:
    return f"Head: {report.head}\n" if report.head else ""


def _heads(report: Report) -> str:
    unchecked = f"; {report.heads_unchecked} of entries before the first cannot be checked" * bool(
        report.heads_unchecked
    )
    if report.heads_held or unchecked:
        return f"Kept heads: {report.heads_held} held{unchecked}.\n"
    return "No head was kept elsewhere: a cut end would not show.\n" if report.intact else ""
