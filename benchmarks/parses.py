"""How many files a refresh parses: none that it has parsed before, also after a restart."""

from typing import Any

from benchmarks.report import Goal, show
from benchmarks.service import Service, service
from benchmarks.stage import Stage, edited, stage


def main(*, chatbots: int = 1_000) -> list[Goal]:
    """Count the parsed files of the runs of a service over its life."""
    with stage(chatbots) as on:
        with service(on) as first:
            _show("first start, nothing known", first.startup())
            unchanged = _show("unchanged commit, every chatbot refreshed", first.refresh())
            changed = _show("one document changed", _after_change(on, first))
        with service(on) as second:
            restarted = _show("the process was restarted", second.startup())
    return [
        Goal("files parsed at an unchanged commit", unchanged, 0),
        Goal("files parsed after one changed", changed, 1),
        Goal("files parsed after a restart", restarted, 0),
    ]


def _after_change(on: Stage, running: Service) -> dict[str, Any]:
    chatbot_id, document = next(iter(on.documents.items()))
    on.commit({chatbot_id: edited(document, "Answer in the customer's language.")})
    return running.refresh()


def _show(what: str, run: dict[str, Any]) -> int:
    counts = run["counts"]
    show(f"  {what}: {counts['documents']} documents, {counts['parsed']} parsed, {counts['dry_runs']} dry runs")
    parsed: int = counts["parsed"]
    return parsed
