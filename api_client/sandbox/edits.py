"""Live edits, as a person makes them in the WizChat dashboard."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api_client.contract import LIST_SECTIONS, SECTIONS
from api_client.sandbox.fleet import Chatbot
from api_client.sandbox.seed import checked_spec

Json = dict[str, Any]


class EditRefused(ValueError):
    """The edit does not fit the chatbot, or would leave an invalid configuration."""


class Edit(BaseModel):
    """One edit of a section, or of one item of a list section.

    Attributes:
        section: The section.
        key: The item's identity; only for list sections.
        set: Dotted paths and the values they get; a path that names a key exactly means that key.
        unset: Dotted paths that go away.
        value: The whole new section or item; an item that does not exist is created.
        delete: Deletes the item, or empties the section.
        keeps_updated_at: Leaves the chatbot's ``updatedAt`` as it was, as an API would that forgets to move it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: str
    key: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    unset: tuple[str, ...] = ()
    value: Any = None
    delete: bool = False
    keeps_updated_at: bool = False

    @model_validator(mode="after")
    def _has_one_action(self) -> Self:
        if self.section not in SECTIONS:
            raise ValueError(f"unknown section {self.section!r}: use one of {', '.join(SECTIONS)}")
        if self.key is not None and self.section not in LIST_SECTIONS:
            raise ValueError(f"section {self.section} is no list: leave out `key`")
        ways = [bool(self.set or self.unset), self.value is not None, self.delete]
        if ways.count(True) != 1:
            raise ValueError("state one of: `set` and `unset`, `value`, `delete`")
        if ways[0] and self.section in LIST_SECTIONS and self.key is None:
            raise ValueError(f"section {self.section} is a list: name the item with `key`")
        return self


def edited(chatbot: Chatbot, edit: Edit, now: datetime) -> Any:
    """Make the edit and return the new value, None after a delete.

    Raises:
        EditRefused: There is no such item, or the result would not be a valid configuration.
    """
    before = chatbot.updated_at
    value = _edited(chatbot, edit, now)
    if edit.keeps_updated_at:
        chatbot.updated_at = before
    return value


def _edited(chatbot: Chatbot, edit: Edit, now: datetime) -> Any:
    if edit.key is None:
        empty: Any = [] if edit.section in LIST_SECTIONS else {}
        value = empty if edit.delete else _new_value(edit, chatbot.section(edit.section))
        value = _checked(edit.section, value)
        chatbot.replace_section(edit.section, value, now)
        return None if edit.delete else value
    current = chatbot.item(edit.section, edit.key)
    if current is None and edit.value is None:
        raise EditRefused(f"{edit.section} has no item {edit.key!r}")
    if edit.delete:
        chatbot.drop_item(edit.section, edit.key, now)
        return None
    _edit_item(chatbot, edit, edit.key, current, now)
    return chatbot.item(edit.section, edit.key)


def _edit_item(chatbot: Chatbot, edit: Edit, key: str, current: Json | None, now: datetime) -> None:
    identity = LIST_SECTIONS[edit.section]
    (value,) = _checked(edit.section, [{**_new_value(edit, current or {}), identity: key}])
    if current is None:
        chatbot.put_item(edit.section, key, value, now)
        return
    items = [value if item is current else item for item in chatbot.section(edit.section)]
    chatbot.replace_section(edit.section, items, now)


def _new_value(edit: Edit, current: Any) -> Any:
    if edit.value is not None:
        return edit.value
    value: Json = dict(current)
    for path, inner in edit.set.items():
        value = _with_path(value, path, inner)
    for path in edit.unset:
        value = _without_path(value, path)
    return value


def _with_path(value: Mapping[str, Any], path: str, inner: Any) -> Json:
    head, _, rest = path.partition(".")
    if path in value or not rest:
        return {**value, path: inner}
    below = value.get(head, {})
    if not isinstance(below, dict):
        raise EditRefused(f"{head} is no object, so {path} cannot be set")
    return {**value, head: _with_path(below, rest, inner)}


def _without_path(value: Mapping[str, Any], path: str) -> Json:
    head, _, rest = path.partition(".")
    if path in value:
        return {name: inner for name, inner in value.items() if name != path}
    below = value.get(head)
    if not rest or not isinstance(below, dict):
        raise EditRefused(f"{path} is not there to be unset")
    return {**value, head: _without_path(below, rest)}


def _checked(section: str, value: Any) -> Any:
    return checked_spec({section: value}, "edit")[section]
