"""Turns one file into documents: read it, resolve its includes, hold it against the contract.

It goes in two steps, so that a loader can read the includes of many files at once: `read_file` says what a file
includes, `finish` needs the contents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any, Final

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Document, ParsedFile, Refusal
from reconciler.domain.names import LONGEST_CHATBOT_ID
from reconciler.domain.secrets import find_secrets
from reconciler.domain.status import Reason
from reconciler.sources.builder import LIMITS, RawDocument, shorten
from reconciler.sources.contract import METADATA_KEYS, DocumentContract
from reconciler.sources.file_tree import Entry, Files
from reconciler.sources.free_fields import slips, unmarked_includes, unmarked_paths
from reconciler.sources.includes import Included, IncludeRefused, Includes, identity, references, resolve_path
from reconciler.sources.json_reader import read_json
from reconciler.sources.positions import Finding, Location
from reconciler.sources.secret_scan import leaks_beside, with_leaks
from reconciler.sources.text_decoding import NotText, decode
from reconciler.sources.yaml_reader import read_yaml

_MAX_LABEL: Final = 200


@dataclass(frozen=True, slots=True)
class DocumentDraft:
    """A file that was read, and whose includes are not resolved yet.

    Attributes:
        documents: Those in it; blank ones are left out.
        count: How many there are, the blank ones included.
        includes: The paths of the files that it includes.
    """

    path: str
    blob_id: str
    documents: tuple[RawDocument, ...]
    count: int = 1
    includes: frozenset[str] = frozenset()

    @property
    def values(self) -> int:
        """How many values it holds."""
        return sum(raw.nodes for raw in self.documents)


def read_file(entry: Entry, data: bytes) -> DocumentDraft:
    """Read a file without looking at any other."""
    try:
        text = decode(data)
    except NotText as error:
        return DocumentDraft(entry.path, entry.blob_id, (_unread(error.finding),))
    read = (read_json(text),) if entry.path.endswith(".json") else tuple(read_yaml(text))
    stated = with_leaks(text, [raw for raw in read if not _is_blank(raw)])
    beside = None if stated else leaks_beside(text)
    includes = frozenset(_includes(entry.path, [raw.value for raw in stated]))
    return DocumentDraft(entry.path, entry.blob_id, (beside,) if beside else stated, len(read), includes)


def refuse_file(entry: Entry, message: str) -> ParsedFile:
    """A file that is not read at all."""
    raw = _unread(Finding(message, 1, 1))
    return _collect(entry.path, entry.blob_id, {}, [_judge_unread(entry.path, raw)])


def finish(draft: DocumentDraft, tree: Files, texts: Mapping[str, Included], contract: DocumentContract) -> ParsedFile:
    """What the file says.

    Args:
        draft: The file as it was read.
        tree: The revision it stands in.
        texts: Blob id → what every regular file that it includes says.
        contract: What a document may state.
    """
    depends_on = _depends_on(draft, tree)
    pairs = [(raw, Includes(tree, texts, draft.path, LIMITS.text - raw.text)) for raw in draft.documents]
    alone = len(pairs) == 1
    judged = [
        _judge(draft.path, raw, includes, contract, alone=alone) if raw.complete else _judge_unread(draft.path, raw)
        for raw, includes in pairs
    ]
    characters = sum(min(LIMITS.text, LIMITS.text - includes.budget) for _, includes in pairs)
    return replace(
        _collect(draft.path, draft.blob_id, depends_on, judged),
        values=draft.values,
        characters=characters + sum(map(len, depends_on)),
    )


def refuse_draft(draft: DocumentDraft, tree: Files, message: str) -> ParsedFile:
    """A file that was read, and asks for more than it may: none of its documents stands.

    Args:
        draft: The file as it was read; what else is wrong with it is told, too.
        tree: The revision it stands in.
        message: What it asks for, and what to do.
    """
    whole = Finding(message, 1, 1)
    judged = [_judge_unread(draft.path, replace(raw, findings=(whole, *raw.findings))) for raw in draft.documents]
    depends_on = _depends_on(draft, tree) if len(draft.includes) <= LIMITS.includes else {}
    return replace(_collect(draft.path, draft.blob_id, depends_on, judged), values=draft.values)


def _depends_on(draft: DocumentDraft, tree: Files) -> Mapping[str, str | None]:
    # a key in place of a path is kept nowhere; its document is refused whatever stands there
    return {path: identity(tree, path) for path in sorted(draft.includes) if not find_secrets(path)}


@dataclass(frozen=True, slots=True)
class _Judged:
    """One document's outcome."""

    claim: Document | Refusal
    diagnostics: tuple[Diagnostic, ...]


def _judge(path: str, raw: RawDocument, includes: Includes, contract: DocumentContract, *, alone: bool) -> _Judged:
    if message := _why_no_document(raw.value):
        return _refuse(path, raw, None, [*raw.findings, Finding(message, raw.place.line, raw.place.column)])
    faults = [*raw.findings, *islice(_metadata_faults(raw.value, raw.place), LIMITS.findings)]
    faults += _unstated_id_faults(path, raw, alone=alone)
    stated = {name: value for name, value in raw.value.items() if name != "metadata"}
    body = includes.resolve(stated, raw.place)
    unmarked = list(islice(unmarked_includes(stated, raw.place), LIMITS.findings))
    missing = {finding.pointer[:-1] for finding in (*includes.findings, *unmarked)}
    faults += [*includes.findings, *unmarked]
    found = (fault for fault in contract.faults(body, raw.place) if fault.pointer not in missing)
    faults += islice(found, LIMITS.findings)
    stated_id = _stated_id(raw)
    chatbot_id = stated_id or (_id_of_file(path, raw) if alone else None)
    doubts = chain(slips(body, raw.place, contract.known_in_core), unmarked_paths(stated, raw.place))
    warnings = list(islice((doubt for doubt in doubts if doubt.pointer not in missing), LIMITS.findings))
    if faults or chatbot_id is None:
        return _refuse(path, raw, chatbot_id, faults, warnings, states_id=stated_id is not None)
    labels = raw.value.get("metadata", {}).get("labels", {})
    return _Judged(
        Document(chatbot_id, path, raw.place.line, body, dict(labels), stated_id is not None),
        _diagnostics(path, warnings),
    )


def _why_no_document(value: Any) -> str | None:
    if not isinstance(value, dict):
        message = "a document is a mapping with apiVersion, kind and spec: write it as one"
        return f'{message}, with a blank after each ":"' if isinstance(value, str) and ":" in value else message
    if "$schema" in value and "apiVersion" not in value:
        return (
            "this is a JSON Schema, not a document: keep it outside of the source's paths, or without .json at its end"
        )
    return None


def _judge_unread(path: str, raw: RawDocument) -> _Judged:
    return _refuse(path, raw, _stated_id(raw), raw.findings)


def _refuse(
    path: str,
    raw: RawDocument,
    chatbot_id: str | None,
    faults: Sequence[Finding],
    warnings: Sequence[Finding] = (),
    *,
    states_id: bool = True,
) -> _Judged:
    ordered = _ordered(faults)
    errors = _told(ordered)
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    message = errors[0].diagnostic(path).in_one_sentence + more
    refusal = Refusal(chatbot_id, path, Reason.DOCUMENT_INVALID, message, raw.place.line, states_id)
    return _Judged(refusal, _diagnostics(path, [*errors, *warnings]))


def _ordered(findings: Sequence[Finding]) -> Sequence[Finding]:
    return sorted(findings, key=lambda finding: (finding.line, finding.column))


def _diagnostics(path: str, findings: Sequence[Finding]) -> tuple[Diagnostic, ...]:
    return tuple(finding.diagnostic(path) for finding in _ordered(findings))


def _told(ordered: Sequence[Finding]) -> Sequence[Finding]:
    """The first of many findings, in their order; a key that stands in the open is always among them."""
    leaks = [finding for finding in ordered if finding.is_leak][: LIMITS.findings]
    others = [finding for finding in ordered if not finding.is_leak][: LIMITS.findings - len(leaks)]
    kept = {id(finding) for finding in (*leaks, *others)}
    return [finding for finding in ordered if id(finding) in kept]


def _collect(path: str, blob_id: str, includes: Mapping[str, str | None], judged: Sequence[_Judged]) -> ParsedFile:
    claims = [item.claim for item in judged]
    findings = [finding for item in judged for finding in item.diagnostics]
    if not judged:
        message = "the file holds no document: remove it, or write one"
        findings.append(Diagnostic(Severity.WARNING, message, path, 1, 1))
    return ParsedFile(
        path=path,
        blob_id=blob_id,
        includes=includes,
        documents=tuple(claim for claim in claims if isinstance(claim, Document)),
        refusals=tuple(claim for claim in claims if isinstance(claim, Refusal)),
        diagnostics=tuple(findings),
    )


def _unread(finding: Finding) -> RawDocument:
    return RawDocument(None, Location(finding.line, finding.column), (finding,), complete=False)


def _is_blank(raw: RawDocument) -> bool:
    return raw.complete and raw.value is None and not raw.findings


def _includes(path: str, value: Any) -> Iterator[str]:
    for reference in set(references(value)):
        try:
            yield resolve_path(path, reference)
        except IncludeRefused:
            continue  # reported at its place when the document is judged


def _stated_id(raw: RawDocument) -> str | None:
    """The chatbot that a document names, as far as it can be told."""
    metadata = raw.value.get("metadata") if isinstance(raw.value, dict) else None
    stated = metadata.get("chatbotId") if isinstance(metadata, dict) else None
    return stated if _is_usable_id(stated) else None


def _id_of_file(path: str, raw: RawDocument) -> str | None:
    """The chatbot that a document means by its file's name, because it names none."""
    stem = PurePosixPath(path).stem
    return stem if _names_no_chatbot(raw) and _is_usable_id(stem) else None


def _names_no_chatbot(raw: RawDocument) -> bool:
    metadata = raw.value.get("metadata", {})
    return isinstance(metadata, dict) and "chatbotId" not in metadata


def _is_usable_id(stated: Any) -> bool:
    return isinstance(stated, str) and _id_fault(stated) is None and not find_secrets(stated)


def _id_fault(chatbot_id: str) -> str | None:
    if not chatbot_id or len(chatbot_id) > LONGEST_CHATBOT_ID:
        return f"a chatbot id has 1 to {LONGEST_CHATBOT_ID} characters"
    if not chatbot_id.isprintable() or any(char in "/ " for char in chatbot_id) or chatbot_id in {".", ".."}:
        return f'"{shorten(chatbot_id)}" cannot be a chatbot id: it has no spaces, slashes or control characters'
    return None


def _unstated_id_faults(path: str, raw: RawDocument, *, alone: bool) -> Iterator[Finding]:
    if not _names_no_chatbot(raw):
        return
    fault = _id_fault(PurePosixPath(path).stem)
    if not alone:
        message = "the file holds several documents, so its name says of none which chatbot it means: state it"
    elif fault:
        message = f"the file's name is no chatbot id ({fault}): state metadata.chatbotId"
    else:
        return
    yield Finding(message, raw.place.line, raw.place.column, ("metadata", "chatbotId"))


def _metadata_faults(document: Mapping[str, Any], place: Location) -> Iterator[Finding]:
    if "metadata" not in document:
        return
    metadata = document["metadata"]
    if not isinstance(metadata, dict):
        yield Finding("must be a mapping with chatbotId and labels", *place.value(("metadata",)), ("metadata",))
        return
    for name in metadata:
        if name not in METADATA_KEYS:
            yield _unknown_metadata(name, place)
    if "chatbotId" in metadata:
        yield from _chatbot_id_faults(metadata["chatbotId"], place)
    yield from _label_faults(metadata.get("labels", {}), place)


def _unknown_metadata(name: str, place: Location) -> Finding:
    close = get_close_matches(name, METADATA_KEYS, n=1)
    hint = "correct it" if close else f"use one of {', '.join(METADATA_KEYS)}"
    position = place.key(("metadata", name))
    return Finding(f'unknown key "{shorten(name)}": {hint}', *position, ("metadata",), close[0] if close else None)


def _chatbot_id_faults(chatbot_id: Any, place: Location) -> Iterator[Finding]:
    pointer = ("metadata", "chatbotId")
    if not isinstance(chatbot_id, str):
        yield Finding(_no_text(chatbot_id), *place.value(pointer), pointer)
    elif fault := _id_fault(chatbot_id):
        yield Finding(fault, *place.value(pointer), pointer)


def _no_text(value: Any) -> str:
    return "is empty: write its text, or remove the key" if value is None else "must be text: put it in quotes"


def _label_faults(labels: Any, place: Location) -> Iterator[Finding]:
    pointer = ("metadata", "labels")
    if not isinstance(labels, dict):
        yield Finding("must be a mapping of text to text", *place.value(pointer), pointer)
        return
    for name, value in labels.items():
        if not isinstance(value, str):
            inner = (*pointer, name)
            yield Finding(_no_text(value), *place.value(inner), inner)
        elif not name or len(name) > _MAX_LABEL or len(value) > _MAX_LABEL:
            inner = (*pointer, name)
            message = f"a label's name and value have at most {_MAX_LABEL} characters, its name at least one"
            yield Finding(message, *place.key(inner), inner)
