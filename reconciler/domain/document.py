"""Documents, the files they come from, and a whole source at one revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from reconciler.domain.canonical import digest
from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.names import bounded_name
from reconciler.domain.status import Reason


@dataclass(frozen=True, slots=True)
class StoredBody:
    """The facts about a document's body that is stored apart from it.

    Attributes:
        digest: Its hash, by which it is found.
        name: The chatbot's name that it states.
    """

    digest: str
    name: str | None


@dataclass(frozen=True)
class Document:
    """One desired chatbot configuration, with its includes resolved and its metadata set apart.

    Attributes:
        chatbot_id: The chatbot it claims.
        path: Its file, relative to the repository's root.
        line: The line at which it begins, from 1.
        labels: ``metadata.labels``.
        body: ``apiVersion``, ``kind``, ``prune`` (when stated) and ``spec``, as the API takes them.
        states_id: Whether it names the chatbot itself; else its file's name does.
        stored: The facts about a body that is stored apart; `body` is empty then.
    """

    chatbot_id: str
    path: str
    line: int
    body: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    states_id: bool = True
    stored: StoredBody | None = None

    @property
    def prune(self) -> bool:
        """Whether the list sections are authoritative; true unless the document says otherwise."""
        return bool(self.body.get("prune", True))

    @property
    def spec(self) -> Mapping[str, Any]:
        """The stated sections."""
        spec: Mapping[str, Any] = self.body.get("spec", {})
        return spec

    @property
    def name(self) -> str | None:
        """``spec.core.name`` as lists show it, where the document states one."""
        if self.stored is not None:
            return self.stored.name
        name = self.spec.get("core", {}).get("name")
        return bounded_name(name) if isinstance(name, str) else None

    @cached_property
    def digest(self) -> str:
        """What the document asks for, as a hash: equal bodies ask for the same."""
        return self.stored.digest if self.stored is not None else digest(self.body)

    def without_body(self) -> Self:
        """The document whose body is stored apart."""
        return self if self.stored is not None else replace(self, body={}, stored=StoredBody(self.digest, self.name))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that is not planned, and why.

    Attributes:
        chatbot_id: The chatbot it claims, or None when even that could not be read.
        path: Its file.
        reason: ``DocumentInvalid``, ``ClaimedTwice`` or ``ClaimRefused``.
        message: One sentence for the chatbot's status.
        line: The line at which the document begins, where that is known.
        states_id: Whether the document names the chatbot itself; else its file's name does.
    """

    chatbot_id: str | None
    path: str
    reason: Reason
    message: str
    line: int | None = None
    states_id: bool = True


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What one file says, and what that depended on: the unit that is cached.

    Attributes:
        path: The file, relative to the repository's root.
        blob_id: The id of its content.
        includes: Path → blob id of every file it includes; None for a path that does not exist.
        documents: The documents in it that are valid.
        refusals: Those that are not.
        diagnostics: What was found, in order of place.
        size: Of the file, in bytes; 0 where it is refused unread.
        count: How many documents it holds, blank ones included.
        values: How many values it holds.
        characters: How long all of its texts are, what it includes and repeats counted each time; with the paths of
            its includes. Both say what it costs to read it and to keep it.
    """

    path: str
    blob_id: str
    includes: Mapping[str, str | None]
    documents: tuple[Document, ...]
    refusals: tuple[Refusal, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    size: int = 0
    count: int = 0
    values: int = 0
    characters: int = 0

    @property
    def claims(self) -> tuple[Document | Refusal, ...]:
        """What it claims, be it refused."""
        return (*self.documents, *self.refusals)

    @property
    def claimed_ids(self) -> frozenset[str]:
        """The chatbots that it claims."""
        return frozenset(claim.chatbot_id for claim in self.claims if claim.chatbot_id is not None)

    def without_bodies(self) -> Self:
        """The file whose documents' bodies are stored apart."""
        return replace(self, documents=tuple(document.without_body() for document in self.documents))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The file of which `to_json` made a value.

        Raises:
            ValueError: When the value was not made so, or by another version of the program.
        """
        try:
            return cls(
                path=value["path"],
                blob_id=value["blob_id"],
                includes=dict(value["includes"]),
                documents=tuple(_document(item) for item in value["documents"]),
                refusals=tuple(Refusal(**{**item, "reason": Reason(item["reason"])}) for item in value["refusals"]),
                diagnostics=tuple(
                    Diagnostic(**{**item, "severity": Severity(item["severity"])}) for item in value["diagnostics"]
                ),
                size=value["size"],
                count=value["count"],
                values=value["values"],
                characters=value["characters"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not a parsed file: " + str(error)) from error


def _document(value: Mapping[str, Any]) -> Document:
    stored = value["stored"]
    return Document(**{**value, "stored": None if stored is None else StoredBody(**stored)})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies beside the files that a source's paths select.

    Attributes:
        skipped: About places that may hold documents, of which none is read.
        outside: About documents that lie where nobody looks.
        misspelt: About documents whose names end nearly as those that are read.
    """

    skipped: tuple[Diagnostic, ...] = ()
    outside: tuple[Diagnostic, ...] = ()
    misspelt: tuple[Diagnostic, ...] = ()

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """The findings of all three kinds."""
        return (*self.skipped, *self.outside, *self.misspelt)


@dataclass(frozen=True, slots=True)
class KnownTree:
    """What is known of a whole tree, so that the next one need only be compared with it.

    Attributes:
        revision: The commit id.
        key: What its files were read by: equal keys mean that equal files say the same.
        entries: How many files it has in all, be they read or not.
        files: How many files are read.
        claims: How many claims they make, refused ones included.
        bytes: How large they are together; as the next three, counted as the source's limits count.
        documents: How many documents they hold.
        values: How many values.
        characters: How long their texts are.
        surroundings: What lies beside them.
        unmatched: The findings about limits of the source that no document is for.
    """

    revision: str
    key: str
    entries: int = 0
    files: int = 0
    claims: int = 0
    bytes: int = 0
    documents: int = 0
    values: int = 0
    characters: int = 0
    surroundings: Surroundings = Surroundings()
    unmatched: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A source at one revision.

    Attributes:
        revision: The commit id; for a folder on disk, ``None``.
        documents: The valid documents, each claiming its chatbot alone, ordered by path and line.
        refusals: The documents that are not planned.
        diagnostics: Every finding.
        files: How many files match the source's paths.
        parsed: How many of them had to be parsed; the others came from the cache.
        unread: The diagnostics of places that may have held documents, of which none was read: files without any, links
            and submodules.
        nothing: When there is neither a document nor a refusal: what was looked for, and what is near.
        surroundings: What lies beside the files that match, and looks as if it were to be read.
        about: The chatbots that it says everything of, where it leaves out what did not change; None means all.
    """

    revision: str | None
    documents: tuple[Document, ...]
    refusals: tuple[Refusal, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    parsed: int
    unread: tuple[Diagnostic, ...] = ()
    nothing: str | None = None
    surroundings: Surroundings = Surroundings()
    about: frozenset[str] | None = None

    @property
    def passed_over(self) -> tuple[Diagnostic, ...]:
        """The diagnostics of what lies beside the files that match."""
        return self.surroundings.all
