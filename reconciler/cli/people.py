"""`reconciler people`: list people who signed in, bar and unbar them, and end their sessions."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from reconciler.cli import output
from reconciler.cli.administration import administering, administration
from reconciler.domain.access import Person
from reconciler.domain.escaping import escaped
from reconciler.domain.grants import Right

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As shown in approvals and the audit log.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit log.")]


@app.command(name="list")
def list_people() -> None:
    """List everybody who came by a login, with their groups and what the grants give them now."""
    output.show("".join(_line(*item) for item in asyncio.run(_all())))


@app.command(name="bar")
def bar_person(name: Name, reason: Reason) -> None:
    """Keep a person out: their sessions end, and their tokens and approvals no longer stand."""
    asyncio.run(_bar(name, reason))
    output.show(f"{escaped(name)} is barred\n")


@app.command(name="unbar")
def unbar_person(name: Name, reason: Reason) -> None:
    """Let a person in again; they sign in anew."""
    asyncio.run(_unbar(name, reason))
    output.show(f"{escaped(name)} may come in\n")


@app.command(name="sign-out")
def sign_out_person(name: Name) -> None:
    """End every session of a person, by whatever they signed in."""
    output.show(f"{asyncio.run(_sign_out(name))} sessions of {escaped(name)} ended\n")


async def _all() -> Sequence[tuple[Person, Sequence[Right]]]:
    async with administration() as (engine, _), engine.store.read() as uow:
        return [(person, engine.grants.rights(person.groups)) for person in await uow.people.all()]


async def _bar(name: str, reason: str) -> None:
    from reconciler.engine.access.people import bar  # noqa: PLC0415  loads the database, which other commands do without

    async with administering("person.bar", f"person/{name}") as (engine, actor):
        await bar(engine, actor, name, reason)


async def _unbar(name: str, reason: str) -> None:
    from reconciler.engine.access.people import unbar  # noqa: PLC0415  loads the database, which other commands do without

    async with administering("person.unbar", f"person/{name}") as (engine, actor):
        await unbar(engine, actor, name, reason)


async def _sign_out(name: str) -> int:
    from reconciler.engine.access.people import sign_out  # noqa: PLC0415  loads the database, which other commands do without

    async with administering("person.sign_out", f"person/{name}") as (engine, actor):
        return await sign_out(engine, actor, name)


def _line(person: Person, rights: Sequence[Right]) -> str:
    state = "barred" if person.barred_at else f"last login {person.seen_at:%Y-%m-%dT%H:%M:%SZ}"
    roles = "; ".join(f"{right.role} of {_sources(right)}" for right in rights) or "no role"
    groups = ", ".join(person.groups) or "no groups"
    return f"{escaped(person.name)}  {escaped(groups)}  {roles}  {state}\n"


def _sources(right: Right) -> str:
    return ", ".join(right.sources) if right.sources is not None else "all sources"
