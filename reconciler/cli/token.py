"""`reconciler token`: create, list and revoke bearer tokens in the database."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import output
from reconciler.cli.administration import administering, administration
from reconciler.domain.access import Role, Token
from reconciler.domain.escaping import escaped
from reconciler.domain.setting_values import parse_duration
from reconciler.errors import SettingsError

if TYPE_CHECKING:
    from reconciler.engine.access.tokens import NewToken

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is called.")],
    role: Annotated[Role, typer.Option(help="What the token may do.")] = Role.VIEWER,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Who holds it: of one person all approvals count once. Unset: the token's name."
        ),
    ] = None,
    expires_in: Annotated[
        str | None,
        typer.Option(
            "--expires-in",
            "--expires",
            metavar="DURATION",
            help="When it ends, such as 90d. Unset: when it is revoked.",
        ),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A source it is good for; may be given again. Unset: all.")
    ] = None,
) -> None:
    """Make a token and print its secret, which cannot be read again."""
    new = asyncio.run(_create(name, role, person, _end(expires_in), source))
    output.show(f"{new.secret}\n")


@app.command(name="list")
def list_tokens() -> None:
    """List the tokens: who holds them, what for, and when they were last used; secrets are not kept."""
    output.show("".join(_line(token) for token in asyncio.run(_all())))


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="NAME|ID", help="The token's name or id.")],
) -> None:
    """Revoke a token; its approvals no longer stand."""
    revoked = asyncio.run(_revoke(token))
    output.show(f"revoked {escaped(revoked.name)} ({revoked.id})\n")


async def _create(
    name: str, role: Role, person: str | None, end: datetime | None, sources: Sequence[str] | None
) -> "NewToken":
    from reconciler.engine.access.tokens import create_token  # noqa: PLC0415  loads the database, which other commands do without

    async with administering("token.create", f"token/{name}") as (engine, actor):
        _check_sources(sources, engine.sources)
        return await create_token(engine, actor, name, role, person=person, expires_at=end, sources=sources)


async def _all() -> Sequence[Token]:
    async with administration() as (engine, _), engine.store.read() as uow:
        return await uow.tokens.all()


async def _revoke(id_or_name: str) -> Token:
    from reconciler.engine.access.tokens import revoke_token  # noqa: PLC0415  loads the database, which other commands do without

    async with administering("token.revoke", f"token/{id_or_name}") as (engine, actor):
        return await revoke_token(engine, actor, id_or_name)


def _end(expires_in: str | None) -> datetime | None:
    if expires_in is None:
        return None
    try:
        return datetime.now(UTC) + parse_duration(expires_in)
    except ValueError as error:
        raise SettingsError(f"--expires-in: {error}") from error


def _check_sources(requested: Sequence[str] | None, configured: Collection[str]) -> None:
    for name in requested or ():
        if name not in configured:
            listed = ", ".join(configured) or "none is set"
            raise SettingsError(f"--source: there is no source {name!r}: use one of {listed}")


def _line(token: Token) -> str:
    state = "revoked" if token.revoked_at else _until(token)
    sources = ", ".join(token.sources) if token.sources is not None else "all sources"
    used = f"used {token.last_used_at:%Y-%m-%dT%H:%M:%SZ}" if token.last_used_at else "never used"
    return f"{token.id}  {escaped(token.name)}  {escaped(token.person)}  {token.role}  {sources}  {state}  {used}\n"


def _until(token: Token) -> str:
    if token.expires_at is None:
        return "stands until revoked"
    ended = "expired" if token.expires_at <= datetime.now(UTC) else "expires"
    return f"{ended} {token.expires_at:%Y-%m-%dT%H:%M:%SZ}"
