"""Keeps a chatbot whose document became unreadable from looking as if the document was removed. Pure.

A fault of syntax ends a file, a lost ``metadata.chatbotId`` makes a document speak for another chatbot, a file may be
emptied by a tool that failed. None of that says that somebody removed a document: as long as what stood at its last
path is not whole, its chatbot keeps it, refused.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.status import Reason


def keep_missing(snapshot: Snapshot, promoted_paths: Mapping[str, str]) -> Snapshot:
    """The snapshot, with a refusal for every missing chatbot whose document may still be where it was.

    Args:
        snapshot: A source at some revision.
        promoted_paths: Chatbot id → the path of its document at the last good revision.
    """
    snapshot = _without_unstated_claims(snapshot, promoted_paths)
    missing = _missing(snapshot, promoted_paths)
    kept = [refusal for chatbot_id, path in sorted(missing.items()) if (refusal := _kept(snapshot, chatbot_id, path))]
    if not kept:
        return snapshot
    paths = [refusal.path for refusal in kept]
    return replace(
        snapshot,
        refusals=(*snapshot.refusals, *kept),
        diagnostics=tuple(
            replace(diagnostic, severity=Severity.ERROR) if _hides_one_of(diagnostic, snapshot, paths) else diagnostic
            for diagnostic in snapshot.diagnostics
        ),
    )


def _missing(snapshot: Snapshot, promoted_paths: Mapping[str, str]) -> dict[str, str]:
    claims: tuple[Document | Refusal, ...] = (*snapshot.documents, *snapshot.refusals)
    claimed = {claim.chatbot_id for claim in claims}
    return {chatbot_id: path for chatbot_id, path in promoted_paths.items() if chatbot_id not in claimed}


def _kept(snapshot: Snapshot, chatbot_id: str, path: str) -> Refusal | None:
    """The refusal of a missing document; None when nothing suggests that it is still there."""
    at_path = sorted(
        (refusal for refusal in snapshot.refusals if refusal.path == path), key=lambda refusal: refusal.line or 0
    )
    for refusal in at_path:
        if refusal.chatbot_id is None:
            return replace(refusal, chatbot_id=chatbot_id)
    for refusal in at_path:
        message = f"its document cannot be told apart as long as another of its file is wrong: {refusal.message}"
        return Refusal(chatbot_id, path, Reason.DOCUMENT_INVALID, message, refusal.line)
    for diagnostic in snapshot.unread:
        if _covers(diagnostic, path):
            return Refusal(chatbot_id, path, Reason.DOCUMENT_INVALID, diagnostic.in_one_sentence, diagnostic.line)
    return None


def _hides_one_of(diagnostic: Diagnostic, snapshot: Snapshot, paths: Sequence[str]) -> bool:
    return diagnostic in snapshot.unread and any(_covers(diagnostic, path) for path in paths)


def _covers(diagnostic: Diagnostic, path: str) -> bool:
    """Whether what was found is about a file, or about a folder around it."""
    return diagnostic.path is not None and PurePosixPath(path).is_relative_to(diagnostic.path)


def _without_unstated_claims(snapshot: Snapshot, promoted_paths: Mapping[str, str]) -> Snapshot:
    """Take back claims by a file's name alone, of a file that spoke for another chatbot, which nobody claims now."""
    heirs = defaultdict(list)
    for chatbot_id, path in _missing(snapshot, promoted_paths).items():
        heirs[path].append(chatbot_id)

    def is_mistaken(claim: Document | Refusal) -> bool:
        return not claim.states_id and claim.path in heirs and claim.chatbot_id not in promoted_paths

    mistaken = [document for document in snapshot.documents if is_mistaken(document)]
    findings = [_lost_id(document, heirs[document.path]) for document in mistaken]
    return replace(
        snapshot,
        documents=tuple(document for document in snapshot.documents if not is_mistaken(document)),
        refusals=(
            *(replace(refusal, chatbot_id=None) if is_mistaken(refusal) else refusal for refusal in snapshot.refusals),
            *(
                Refusal(None, document.path, Reason.DOCUMENT_INVALID, found.in_one_sentence, document.line)
                for document, found in zip(mistaken, findings, strict=True)
            ),
        ),
        diagnostics=(*snapshot.diagnostics, *findings),
    )


def _lost_id(document: Document, heirs: Sequence[str]) -> Diagnostic:
    ids = " or ".join(f'"{chatbot_id}"' for chatbot_id in sorted(heirs)[:3])
    message = (
        f'no chatbot is stated, and the file spoke for {ids} before, not for "{document.chatbot_id}": state which one'
    )
    return Diagnostic(Severity.ERROR, message, document.path, document.line, 1, "metadata.chatbotId")
