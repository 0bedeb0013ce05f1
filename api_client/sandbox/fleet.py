"""The chatbots of the sandbox. Values are replaced, never changed in place, so they can be shared."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api_client.contract import LIST_SECTIONS, SECTIONS
from api_client.sandbox.clock import later_than, timestamp
from api_client.sandbox.comparison import written

Json = dict[str, Any]
EPOCH = "2026-01-05T09:00:00.000Z"
# What the server adds to a new item; the contract marks these fields as its own.
_ID_PREFIXES = {"mcpServers": "mcp", "skills": "skill"}
_CREATE_DEFAULTS: dict[str, Json] = {
    "mcpServers": {"enabled": True, "tools": [], "authorizedEmailCount": 0, "authorizedGroupCount": 0},
    "skills": {"enabled": True, "mode": "on_demand", "source": "manual"},
}


@dataclass(slots=True)
class Chatbot:
    """One live chatbot.

    Attributes:
        id: Its stable id.
        config: Its configuration, section by section, server-owned fields included.
        created_at: When it was created.
        updated_at: When its configuration last changed.
        data_region: ``EU`` or ``US``.
        external_api_keys: Keys of its external API, which configuration documents leave out.
        changes: How many changes it has seen.
        reads: How often it was read; what moves by itself moves with it.
    """

    id: str
    config: Json
    created_at: str = EPOCH
    updated_at: str = EPOCH
    data_region: str = "EU"
    external_api_keys: list[Json] = field(default_factory=list)
    changes: int = 0
    reads: int = 0

    def section(self, section: str) -> Any:
        """Return a section, empty where it was never set."""
        return self.config.get(section, [] if section in LIST_SECTIONS else {})

    def item(self, section: str, key: str) -> Json | None:
        """Return the list item with that identity."""
        identity = LIST_SECTIONS[section]
        return next((item for item in self.section(section) if item[identity] == key), None)

    def merge_section(self, section: str, desired: Json, now: datetime) -> None:
        """Write the stated fields of a section that is no list."""
        self.replace_section(section, written(section, desired, self.section(section)), now)

    def replace_section(self, section: str, value: Any, now: datetime) -> None:
        """Replace a whole section."""
        self.config = {**self.config, section: value}
        self._count_change(now)

    def put_item(self, section: str, key: str, desired: Json, now: datetime) -> None:
        """Create a list item, or write the stated fields of an existing one."""
        self.write_items(section, [(key, desired)], now)

    def drop_item(self, section: str, key: str, now: datetime) -> None:
        """Delete the list item with that identity."""
        self.write_items(section, [(key, None)], now)

    def write_items(self, section: str, writes: Iterable[tuple[str, Json | None]], now: datetime) -> None:
        """Put or, with None, drop list items one after the other; each is a change of its own."""
        identity = LIST_SECTIONS[section]
        items = {item[identity]: item for item in self.section(section)}
        for key, desired in writes:
            if desired is None:
                items.pop(key, None)
            elif key in items:
                items[key] = _touched(section, written(section, desired, items[key]), now)
            else:
                items[key] = self._new_item(section, key, desired, now)
            self._count_change(now)
        self.config = {**self.config, section: list(items.values())}

    def _count_change(self, now: datetime) -> None:
        self.changes += 1
        self.updated_at = later_than(self.updated_at, now)

    def _new_item(self, section: str, key: str, desired: Json, now: datetime) -> Json:
        if section not in _ID_PREFIXES:
            return desired
        digest = hashlib.sha256(f"{self.id}/{section}/{key}/{self.changes}".encode()).hexdigest()
        owned = {"id": f"{_ID_PREFIXES[section]}_{digest[:10]}", "createdAt": timestamp(now)}
        return _touched(section, {**owned, **_CREATE_DEFAULTS[section], **desired}, now)


def _touched(section: str, item: Json, now: datetime) -> Json:
    return {**item, "updatedAt": timestamp(now)} if section in _ID_PREFIXES else item


class Fleet:
    """All chatbots of the account, in the order in which they were added."""

    def __init__(self, chatbots: Iterable[Chatbot] = ()) -> None:
        self._chatbots: dict[str, Chatbot] = {}
        self._listeners: list[Callable[[], None]] = []
        for chatbot in chatbots:
            self.add(chatbot)

    def __iter__(self) -> Iterator[Chatbot]:
        return iter(tuple(self._chatbots.values()))

    def __len__(self) -> int:
        return len(self._chatbots)

    def get(self, chatbot_id: str) -> Chatbot | None:
        """Return the chatbot of that id."""
        return self._chatbots.get(chatbot_id)

    def add(self, chatbot: Chatbot) -> None:
        """Add a chatbot whose id is not taken."""
        if chatbot.id in self._chatbots:
            raise ValueError(f"chatbot {chatbot.id} exists already")
        for section in SECTIONS:
            chatbot.config.setdefault(section, [] if section in LIST_SECTIONS else {})
        self._chatbots[chatbot.id] = chatbot
        self.announce_change()

    def remove(self, chatbot_id: str) -> bool:
        """Remove a chatbot; return whether there was one."""
        removed = self._chatbots.pop(chatbot_id, None) is not None
        if removed:
            self.announce_change()
        return removed

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have a function called after each change."""
        self._listeners.append(listener)

    def announce_change(self) -> None:
        """Notify the listeners of a change."""
        for listener in self._listeners:
            listener()
