"""Assembles the files of one revision: which document claims which chatbot, and which claims are refused."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Document, ParsedFile, Refusal, Snapshot
from reconciler.domain.status import Reason

_Candidate = Document | Refusal
_Rivals = Mapping[str | None, Sequence[_Candidate]]

_NAMED: Final = 5
"""So many of the documents that claim one chatbot are named in a message."""
_NEAR: Final = 0.75
"""How alike an id must be to be suggested, as difflib counts it."""


def assemble(
    revision: str | None,
    files: Iterable[ParsedFile],
    *,
    allowed: Sequence[str] = (),
    parsed: int = 0,
    unmatched: Sequence[Diagnostic] | None = None,
) -> Snapshot:
    """A source at one revision, with every chatbot claimed at most once.

    A document that is refused for a fault of its own claims its chatbot all the same: as long as two documents name
    one chatbot, nobody can know which of them was meant.

    Args:
        revision: The commit id; None for a folder on disk.
        files: Every file that matches the source's paths.
        allowed: The chatbot ids or patterns that the source may manage; empty means all.
        parsed: How many of the files had to be parsed.
        unmatched: The findings about limits that no document is for, where these are not all files of the source.
    """
    ordered = sorted(files, key=lambda file: file.path)
    claims = [claim for file in ordered for claim in file.claims]
    rivals = _rivals(claim for claim in claims if _may_claim(claim, allowed))
    verdicts = [_verdict(claim, rivals, allowed) for claim in claims]
    findings = [finding for file in ordered for finding in file.diagnostics]
    findings += [_finding(claim) for claim in verdicts if isinstance(claim, _Refused)]
    findings += unmatched_in(ordered, allowed) if unmatched is None else unmatched
    return Snapshot(
        revision=revision,
        documents=tuple(sorted((claim for claim in verdicts if isinstance(claim, Document)), key=_order)),
        refusals=tuple(sorted((_refusal(claim) for claim in verdicts if not isinstance(claim, Document)), key=_order)),
        diagnostics=tuple(sorted(findings, key=lambda item: (item.path or "", item.line or 0, item.column or 0))),
        files=len(ordered),
        parsed=parsed,
        unread=tuple(diagnostic for file in ordered if not file.claims for diagnostic in file.diagnostics),
    )


@dataclass(frozen=True, slots=True)
class _Refused:
    """A claim that is refused, whatever its document says."""

    refusal: Refusal


def _may_claim(claim: _Candidate, allowed: Sequence[str]) -> bool:
    if claim.chatbot_id is None or not allowed:
        return True
    return any(fnmatchcase(claim.chatbot_id, pattern) for pattern in allowed)


def _rivals(claims: Iterable[_Candidate]) -> _Rivals:
    by_chatbot: dict[str | None, list[_Candidate]] = defaultdict(list)
    for claim in claims:
        if claim.chatbot_id is not None:
            by_chatbot[claim.chatbot_id].append(claim)
    return {chatbot_id: sorted(found, key=_order) for chatbot_id, found in by_chatbot.items() if len(found) > 1}


def _verdict(claim: _Candidate, rivals: _Rivals, allowed: Sequence[str]) -> _Candidate | _Refused:
    if not _may_claim(claim, allowed):
        return _refused(
            claim,
            Reason.CLAIM_REFUSED,
            f'the source may not manage the chatbot "{claim.chatbot_id}": '
            "widen the source's `chatbots` setting, or move the document",
        )
    if found := rivals.get(claim.chatbot_id):
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        places = " and ".join(_place(rival) for rival in found[:_NAMED]) + more
        return _refused(
            claim,
            Reason.CLAIMED_TWICE,
            f'the chatbot "{claim.chatbot_id}" is claimed twice, at {places}: keep one of them',
        )
    return claim


def _refused(claim: _Candidate, reason: Reason, message: str) -> _Refused:
    return _Refused(Refusal(claim.chatbot_id, claim.path, reason, message, claim.line, claim.states_id))


def _refusal(claim: Refusal | _Refused) -> Refusal:
    return claim.refusal if isinstance(claim, _Refused) else claim


def _finding(claim: _Refused) -> Diagnostic:
    refusal = claim.refusal
    column = None if refusal.line is None else 1
    return Diagnostic(Severity.ERROR, refusal.message, refusal.path, refusal.line, column, "metadata.chatbotId")


def unmatched_in(files: Sequence[ParsedFile], allowed: Sequence[str]) -> Iterator[Diagnostic]:
    """As `unmatched_limits`, of all files of a source."""
    # a file that cannot be read may be the one that is meant
    if allowed and not any(is_unclear(file) for file in files):
        yield from unmatched_limits({chatbot_id for file in files for chatbot_id in file.claimed_ids}, allowed)


def is_unclear(file: ParsedFile) -> bool:
    """Whether a file may claim a chatbot that cannot be determined."""
    return not file.claims or any(claim.chatbot_id is None for claim in file.claims)


def unmatched_limits(ids: Collection[str], allowed: Sequence[str]) -> Iterator[Diagnostic]:
    """Warn of limits that no document is for: of a misspelt one, the documents that it was meant for are refused.

    Args:
        ids: The chatbots that the documents of a source claim.
        allowed: The chatbot ids or patterns that the source may manage.
    """
    if not ids:
        return
    folded = {chatbot_id.casefold(): chatbot_id for chatbot_id in sorted(ids)}
    for pattern in dict.fromkeys(allowed):
        if not any(fnmatchcase(chatbot_id, pattern) for chatbot_id in ids):
            near = get_close_matches(pattern.casefold(), folded, n=1, cutoff=_NEAR)
            yield Diagnostic(
                Severity.WARNING,
                f'the source\'s `chatbots` setting names "{pattern}", and no document states such a chatbot: '
                "correct it, or take it out",
                suggestion=folded[near[0]] if near else None,
            )


def _place(claim: _Candidate) -> str:
    return claim.path if claim.line is None else f"{claim.path}:{claim.line}"


def _order(claim: _Candidate) -> tuple[str, int]:
    return claim.path, claim.line or 0
