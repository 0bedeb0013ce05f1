"""Lays out exported configurations as files: paths, order of fields, and texts in files of their own. Pure.

The result is deterministic and unique whatever the fleet is called: names meet in lower case, because some file
systems cannot tell cases apart.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from typing import Any

from reconciler.domain.secrets import find_secrets, redacted
from reconciler.errors import ReconcilerError

INCLUDE = "$file"
DOCUMENTS = "chatbots"
"""The folder of a repository where documents are by default."""
TEXTS = "prompts"
_LONG_CHARACTERS = 200
_LONG_LINES = 3
_LONGEST_SLUG = 60
_LONGEST_PLACE = 120
_FIRST = ("name", "domain", "id", "label", "description", "type", "enabled", "mode", "status")
_IDENTITIES = ("name", "domain", "id")
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_MAX_INTEGER = 2**53 - 1
_LFS = "version https://git-lfs"


class Unwritable(ReconcilerError):
    """A live configuration holds something that no document can state."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A chatbot's live configuration.

    Attributes:
        chatbot_id: The chatbot.
        name: Its name, where it has one.
        body: The document body, without server-owned fields.
        omitted: Sections that the key may not read; they are not part of the body.
    """

    chatbot_id: str
    name: str | None
    body: Mapping[str, Any]
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatbotFiles:
    """The files of one chatbot.

    Attributes:
        chatbot_id: The chatbot.
        path: The document, relative to the folder that is exported to.
        document: What the document says, in reading order.
        texts: Path → text of every file that the document includes.
    """

    chatbot_id: str
    path: str
    document: Mapping[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict)


def lay_out(exported: Exported, slug: str) -> ChatbotFiles:
    """Arrange one chatbot's configuration as a document and the texts that it includes.

    Args:
        exported: The configuration.
        slug: The chatbot's name for files, from `slugs`.

    Raises:
        Unwritable: It holds what no document can state.
    """
    texts = _Texts(slug)
    spec = {
        section: texts.split(value, (section,))
        for section, value in exported.body["spec"].items()
        if value or not isinstance(value, Mapping)
    }
    document: dict[str, Any] = {
        "apiVersion": exported.body["apiVersion"],
        "kind": exported.body["kind"],
        "metadata": {"chatbotId": exported.chatbot_id},
        "prune": exported.body.get("prune", True),
        "spec": spec,
    }
    return ChatbotFiles(exported.chatbot_id, f"{DOCUMENTS}/{slug}.yaml", document, texts.files)


class _Texts:
    """Takes the long texts out of a configuration, and gives each a file."""

    def __init__(self, slug: str) -> None:
        self._folder = f"{TEXTS}/{slug}"
        self.files: dict[str, str] = {}

    def split(self, value: Any, place: tuple[str, ...]) -> Any:
        """A copy in reading order, with includes in place of long texts."""
        match value:
            case str():
                return self._text(value, place)
            case float() if not isfinite(value):
                raise Unwritable(f"{'.'.join(place)} is {value}, which is no JSON number: correct it at WizChat")
            case int() if abs(value) > _MAX_INTEGER:
                raise Unwritable(
                    f"{'.'.join(place)} is beyond ±(2^53 - 1), where digits get lost: correct it at WizChat"
                )
            case Mapping():
                return self._object(value, place)
            case list() | tuple():
                return [self.split(item, (*place, _item_name(item, index))) for index, item in enumerate(value)]
            case _:
                return value

    def _object(self, value: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
        if INCLUDE in value:
            raise Unwritable(f"{'.'.join(place)} has a key {INCLUDE}, which documents keep for includes: rename it")
        split = {key: self.split(value[key], (*place, key)) for key in sorted(value, key=_reading_order)}
        included = {key for key in split if isinstance(split[key], Mapping) and INCLUDE in split[key]}
        return {key: split[key] for key in (*(k for k in split if k not in included), *sorted(included))}

    def _text(self, text: str, place: tuple[str, ...]) -> Any:
        # with its key, because some kinds are known only by the name before them
        for secret in find_secrets(f"{place[-1]}: {text}"):
            raise Unwritable(
                f"{redacted('.'.join(place))} holds what looks like {secret.kind}, and git would keep it: take it out "
                "at WizChat, and revoke it"
            )
        if _UNSENDABLE.search(text):
            raise Unwritable(f"{'.'.join(place)} holds NUL or half a character: correct it at WizChat")
        if not _is_long(text) or not _is_safe_in_a_file(text):
            return text
        path = self._free_path(".".join(_kebab(part) for part in place)[:_LONGEST_PLACE].strip("-."))
        self.files[path] = text
        return {INCLUDE: f"../{path}"}

    def _free_path(self, name: str) -> str:
        path, count = f"{self._folder}/{name}.md", 1
        while path in self.files:
            count += 1
            path = f"{self._folder}/{name}-{count}.md"
        return path


def slugs(chatbots: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """A name for files for each chatbot, unique, ASCII and in lower case.

    It is the chatbot's name when no other has the same, else name and id. It does not depend on the order given.

    Args:
        chatbots: Ids, each once, with names.

    Returns:
        Chatbot id → slug.
    """
    choices = {chatbot_id: _choices(chatbot_id, name) for chatbot_id, name in chatbots}
    rank = dict.fromkeys(choices, 0)
    while True:
        chosen = {chatbot_id: choices[chatbot_id][index] for chatbot_id, index in rank.items()}
        uses = Counter(chosen.values())
        shared = [chatbot_id for chatbot_id, slug in chosen.items() if uses[slug] > 1 and rank[chatbot_id] < 2]  # noqa: PLR2004 - the last of three choices
        if not shared:
            return chosen
        for chatbot_id in shared:
            rank[chatbot_id] += 1


def _choices(chatbot_id: str, name: str | None) -> Sequence[str]:
    plain, ending = slug_of(name or ""), slug_of(chatbot_id)
    plain = plain or ending or "chatbot"
    if plain in _RESERVED:
        plain = f"chatbot-{plain}"
    mark = sha256(chatbot_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return plain, f"{plain}-{ending}" if ending else f"{plain}-{mark}", f"{plain}-{mark}"


def slug_of(text: str) -> str:
    """The text as a file name in ASCII: lower case, digits and single hyphens; empty when nothing is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:_LONGEST_SLUG].strip("-")


def _kebab(name: str) -> str:
    return slug_of(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)) or "text"


def _item_name(item: Any, index: int) -> str:
    """The name of a list's item: its identity, else its number from 1."""
    if isinstance(item, Mapping):
        for key in _IDENTITIES:
            if isinstance(item.get(key), str) and item[key]:
                return str(item[key])
    return str(index + 1)


def _reading_order(key: str) -> tuple[int, str]:
    return (_FIRST.index(key), key) if key in _FIRST else (len(_FIRST), key)


def _is_long(text: str) -> bool:
    lines = text.count("\n") + (not text.endswith("\n"))
    return len(text) > _LONG_CHARACTERS or lines >= _LONG_LINES


def _is_safe_in_a_file(text: str) -> bool:
    """Whether editors and git leave the text as it is, and nobody takes it for something else."""
    return not ("\r" in text or text.startswith(("\ufeff", _LFS)))
