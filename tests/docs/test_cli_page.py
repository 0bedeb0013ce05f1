"""docs/cli.md has every command, argument and option, and none that does not exist."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from reconciler.cli.main import app
from tests.docs.pages import page

PAGE = page("cli.md")
COMMAND = re.compile(r"`reconciler ([a-z]+(?: [a-z]+)?)")


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, child in inner.items():
        yield from commands(child, f"{path} {name}".strip())


KNOWN = dict(commands(typer.main.get_command(app)))


def test_every_command_is_described() -> None:
    assert [name for name in KNOWN if f"reconciler {name}" not in PAGE] == []


def test_every_option_is_described() -> None:
    options = {(name, option) for name, command in KNOWN.items() for p in command.params for option in p.opts}

    assert sorted({option for _, option in options if option.startswith("--") and option not in PAGE}) == []


def test_no_other_option_is_described() -> None:
    known = {option for command in KNOWN.values() for p in command.params for option in (*p.opts, *p.secondary_opts)}

    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) - known - {"--help"} == set()
