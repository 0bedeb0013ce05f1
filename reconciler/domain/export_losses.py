"""Finds what an export would destroy in the documents that are already there. Pure.

An export knows what is live and nothing of what people wrote beside it: labels, ``prune: false``, comments, shared
texts, other documents of a file.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.layout import ChatbotFiles

_COMMENT: Final = re.compile(r"^\s*#(?! yaml-language-server:)|\s#\s", re.MULTILINE)
_INCLUDE: Final = re.compile(r"""\$file["']?\s*:\s*["']?([^\s"'},]+)""")
_UNREADABLE: Final = "what its document says, which is not valid"

_Candidate = Document | Refusal


def second_documents(chatbot_files: Iterable[ChatbotFiles], snapshot: Snapshot, folder: str) -> Iterator[str]:
    """Say which chatbots have a document elsewhere already, so that an export would write a second one.

    Args:
        chatbot_files: What is to be written, by paths relative to the folder.
        snapshot: What the repository says now.
        folder: The folder that is written to, relative to the repository's root; ``.`` for the root itself.

    Returns:
        One sentence for each of them.
    """
    claims: defaultdict[str | None, list[_Candidate]] = defaultdict(list)
    for claim in _candidates(snapshot):
        claims[claim.chatbot_id].append(claim)
    for exported in chatbot_files:
        for claim in claims[exported.chatbot_id]:
            if claim.path != inside(folder, exported.path):
                place = f"{claim.path}:{claim.line or 1}"
                yield f"chatbot {exported.chatbot_id} has a document already, at {place}: remove that one first"


def losses(exported: ChatbotFiles, snapshot: Snapshot, folder: str, *, old: str, new: str) -> list[str]:
    """What is lost when a chatbot's document replaces the file at its path.

    Args:
        exported: The document to write.
        snapshot: What the repository says now.
        folder: The folder that is written to, relative to the repository's root.
        old: The present text of the file.
        new: The text that replaces it.

    Returns:
        What is lost, each in a few words; nothing when an export states all of it.
    """
    claims = [claim for claim in _candidates(snapshot) if claim.path == inside(folder, exported.path)]
    others = [claim for claim in claims if claim.chatbot_id != exported.chatbot_id]
    lost = [_place(claim) for claim in others]
    for claim in claims:
        if claim not in others:
            lost += _of_document(claim, exported.document) if isinstance(claim, Document) else [_UNREADABLE]
    if comments := len(_COMMENT.findall(old)):
        lost.append("a comment" if comments == 1 else f"{comments} comments")
    lost += [f"the include of {path}" for path in sorted(set(_INCLUDE.findall(old)) - set(_INCLUDE.findall(new)))]
    return lost


def inside(folder: str, path: str) -> str:
    """A path of an export, relative to the repository's root."""
    return path if folder == "." else f"{folder}/{path}"


def _candidates(snapshot: Snapshot) -> Iterator[_Candidate]:
    yield from snapshot.documents
    yield from snapshot.refusals


def _place(claim: _Candidate) -> str:
    whose = f"the document of chatbot {claim.chatbot_id}" if claim.chatbot_id is not None else "a document"
    return f"{whose} at line {claim.line}" if claim.line is not None else whose


def _of_document(document: Document, written: Mapping[str, object]) -> Iterator[str]:
    if document.labels:
        yield f"its labels ({', '.join(sorted(document.labels))})"
    if not document.prune and written.get("prune") is not False:
        yield "prune: false"
    spec = written.get("spec")
    for section in sorted(document.spec.keys() - (spec.keys() if isinstance(spec, Mapping) else set())):
        yield f"spec.{section}"
