"""Imports the module of a command when it is used, so that `--help` loads neither the database nor the web."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command, or a group of commands, as the program's help lists it.

    Attributes:
        name: What people type.
        module: Where it is, in `reconciler.cli`.
        attribute: The function, or the `typer.Typer` of a group.
        summary: What it does; of a function, the first line of its docstring.
    """

    name: str
    module: str
    attribute: str
    summary: str

    def load(self) -> Any:
        """The command, made of what the module has."""
        found = getattr(import_module(f"reconciler.cli.{self.module}"), self.attribute)
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=self.name, help=self.summary)
            group: Any = typer.main.get_command(app)
            return group.commands[self.name]
        app.command(self.name)(found)
        return typer.main.get_command(app)

    def listed(self) -> TyperCommand:
        """What stands for it in the list."""
        return TyperCommand(self.name, help=self.summary)


class LazyCommands(Mapping[str, Any]):
    """Name → command, imported when it is looked at."""

    def __init__(self, entries: Sequence[CommandEntry]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = self._entries[name].load()
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class LazyGroup(TyperGroup):
    """A group of commands that are listed without being imported. A subclass says which."""

    entries: ClassVar[Sequence[CommandEntry]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": {}})
        self.commands = LazyCommands(self.entries)  # type: ignore[assignment]  # it is only ever looked up in

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  click's signature
        """The names, in the order in which they are listed."""
        return [entry.name for entry in self.entries]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List them by their summaries."""
        TyperGroup(commands={entry.name: entry.listed() for entry in self.entries}).format_commands(ctx, formatter)
