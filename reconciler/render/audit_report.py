"""The result of verifying the audit log, as text and as JSON."""

import json
from dataclasses import asdict

from reconciler.domain.audit_verify import AuditReport
from reconciler.domain.escaping import escaped


def report_text(report: AuditReport) -> str:
    """A verdict, then each finding on a line of its own."""
    if report.intact:
        return f"The audit log is intact: {_extent(report)}.\n{_head(report)}{_heads(report)}"
    findings = "".join(
        f"! {finding.seq:>8}  {finding.kind:<17}  {escaped(finding.message)}\n" for finding in report.findings
    )
    omitted = report.found - len(report.findings)
    more = f"  … and {omitted} more\n" if omitted else ""
    noun = "finding" if report.found == 1 else "findings"
    return f"{findings}{more}{report.found} {noun} in {_extent(report)}.\n{_heads(report)}"


def report_json(report: AuditReport) -> str:
    """The report as JSON."""
    shape = {
        "intact": report.intact,
        "entries": report.entries,
        "first": report.first,
        "head": asdict(report.head) if report.head else None,
        "heads": {"held": report.heads_held, "unchecked": report.heads_unchecked},
        "found": report.found,
        "findings": [asdict(finding) for finding in report.findings],
    }
    return json.dumps(shape, indent=2) + "\n"


def _extent(report: AuditReport) -> str:
    if report.head is None:
        return "no entry"
    entries = "1 entry" if report.entries == 1 else f"{report.entries:,} entries"
    return f"{entries}, {report.first} to {report.head.seq}"


def _head(report: AuditReport) -> str:
    return f"Head: {report.head}\n" if report.head else ""


def _heads(report: AuditReport) -> str:
    unchecked = f"; {report.heads_unchecked} of entries before the first cannot be checked" * bool(
        report.heads_unchecked
    )
    if report.heads_held or unchecked:
        return f"Kept heads: {report.heads_held} held{unchecked}.\n"
    return "No head was kept elsewhere: a cut end would not show.\n" if report.intact else ""
