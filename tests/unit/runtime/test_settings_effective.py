"""What people see of the settings: every one of them, with where it came from, and no secret in any form."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from reconciler.settings.input import load_settings
from reconciler.settings.model import Settings
from reconciler.settings.reference import effective_tables, setting_tables, without_credentials
from reconciler.web.http.web_settings import EffectiveSetting, EffectiveTable
from tests.support.settings import full_settings, parts_of_the_canary, secret_fields


def rows(settings: Settings) -> dict[str, EffectiveSetting]:
    return {row.name: row for table in effective_tables(settings) for row in table.rows}


def from_toml(tmp_path: Path, text: str, **environ: str) -> Settings:
    (tmp_path / "reconciler.toml").write_text(text, encoding="utf-8")
    return load_settings({"RECONCILER_CONFIG": str(tmp_path / "reconciler.toml"), **environ})


def test_no_secret_is_shown_nor_any_part_of_one() -> None:
    said = [
        repr((table.heading, row.value, row.origin))
        for table in effective_tables(full_settings())
        for row in table.rows
    ]

    assert len(list(secret_fields())) >= 8
    assert [(part, each) for part in parts_of_the_canary() for each in said if part.lower() in each.lower()] == []


def test_a_secret_is_said_to_be_set_or_not() -> None:
    found, empty = rows(full_settings()), rows(Settings(tenants=({"name": "a", "api_key": "k"},)))  # type: ignore[arg-type]  # pydantic makes the tenant

    assert {
        found[f"{table}[].{name}" if table in {"tenants", "sources"} else f"{table}.{name}"].value
        for table, name, many in secret_fields()
        if not many and name != "url"
    } == {"set"}
    assert found["sources[].webhook_secret"].value == "set (2)"
    assert (empty["tenants[].api_key"].value, empty["tenants[].write_api_key"].value) == ("set", "not set")
    assert (empty["auth.link_key"].value, empty["database.url"].value) == ("not set", "not set")


def test_addresses_are_shown_without_credentials_and_options() -> None:
    found = rows(full_settings())

    assert found["sources[].url"].value == '"https://git.example.com/acme/bots.git"'
    assert found["database.url"].value == '"postgresql://db.example.com:5432/reconciler"'


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/reconciler/reconciler.db", "sqlite:////var/lib/reconciler/reconciler.db"),
        ("postgresql://ann@db/bots", "postgresql://db/bots"),
        ("postgresql://ann:a/b@db/bots", "postgresql://db/bots"),
        ("postgresql://ann:a@b@db/bots", "set"),
        ("postgresql://ann:a?b@db/bots", "set"),
        ("postgresql://ann:a#b@db/bots", "set"),
        ("postgresql://ann:secret", "set"),
        ("postgresql://db/bots?password=a@b", "set"),
        ("postgresql://db/bots\n?password=x", "set"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        ("no address: secret", "set"),
    ],
)
def test_of_an_unusual_address_nothing_is_shown(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_a_key_in_the_wrong_place_is_not_shown_either() -> None:
    key = "wzr_aZ9kQ2mX7pL4vB8nR3tY6wC1dF5gH0jSqEuI_oA-kPw"
    settings = Settings(
        oidc={"client_id": key},
        server={"allowed_hosts": (key,)},
        data={"dir": f"/srv/{key}"},
        auth={},  # type: ignore[arg-type]  # pydantic makes the tables
    )

    assert key not in repr(list(effective_tables(settings)))


def test_every_setting_is_there_with_its_sentence() -> None:
    settings = full_settings()
    known = {row.name: row.help for table in setting_tables() for row in table.rows}
    found = {name: row.help for name, row in rows(settings).items()}

    assert found == {name: help_ for name, help_ in known.items() if not name.startswith("grants")}
    assert [
        table for table in effective_tables(settings) if not isinstance(table, EffectiveTable) or not table.help
    ] == []


def test_it_is_told_where_a_value_came_from(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("e" * 32, encoding="utf-8")
    text = """
[server]
port = 9000
host = "::1"
[auth]
bootstrap_token = "ffffffffffffffffffffffffffffffff"
[[tenants]]
name = "acme"
api_key = "k"
"""
    settings = from_toml(
        tmp_path,
        text,
        RECONCILER_SERVER__PORT="9001",
        RECONCILER_AUTH__BOOTSTRAP_TOKEN_FILE=str(tmp_path / "token"),
        RECONCILER_SOURCES='[{"name": "main", "tenant": "acme", "url": "https://git.example.com/x.git"}]',
    )
    found, file = rows(settings), str(tmp_path / "reconciler.toml")

    assert (found["server.port"].value, found["server.port"].origin) == ("9001", "RECONCILER_SERVER__PORT")
    assert found["server.host"].origin == file
    assert found["server.public_url"].origin == "default"
    assert found["auth.bootstrap_token"].origin == "RECONCILER_AUTH__BOOTSTRAP_TOKEN_FILE"
    assert (found["tenants[].api_key"].origin, found["tenants[].concurrency"].origin) == (file, "default")
    assert found["sources[].url"].origin == "RECONCILER_SOURCES"


def test_the_smallest_installation_is_told_by_its_variables() -> None:
    found = rows(load_settings({"WIZCHAT_API_KEY": "k", "RECONCILER_GIT_URL": "https://git.example.com/x.git"}))

    assert found["tenants[].api_key"].origin == "WIZCHAT_API_KEY"
    assert found["sources[].url"].origin == "RECONCILER_GIT_URL"
    assert found["sources[].name"].origin == "default"


def test_what_code_gives_is_said_to_be_given() -> None:
    assert rows(Settings(server={"port": 0}))["server.port"].origin == "given"  # type: ignore[arg-type]  # pydantic makes the table


def test_each_member_of_a_list_has_a_table() -> None:
    settings = full_settings()
    assert isinstance(settings.tenants[0], BaseModel)
    assert [table.heading for table in effective_tables(settings)][3:5] == ["[[tenants]] acme", "[[sources]] main"]
