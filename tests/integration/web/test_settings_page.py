"""The settings page: every setting and where it came from, for admins, and no secret of any kind."""

from dataclasses import replace

import pytest

from reconciler.settings.reference import effective_tables, setting_tables
from reconciler.web.app import create_app
from tests.integration.web.conftest import House
from tests.support.settings import full_settings, parts_of_the_canary

pytestmark = pytest.mark.anyio


async def page(house: House, token: str) -> tuple[int, str]:
    settings = replace(house.settings, effective=tuple(effective_tables(full_settings())))
    async with house.client(token, create_app(house.engine, settings=settings)) as client:
        answer = await client.get("/settings")
    return answer.status_code, answer.text


async def test_an_admin_sees_every_setting_and_no_secret(house: House) -> None:
    status, text = await page(house, "wzr_admin")
    names = [row.name for table in setting_tables() for row in table.rows if table.heading != "[[grants]]"]

    assert status == 200
    assert [name for name in names if f"<code>{name}</code>" not in text] == []
    assert "<code>set (2)</code>" in text
    assert "postgresql://db.example.com:5432/reconciler" in text
    assert "<code>reconciler.db</code>" in text, "what a sentence marks as code is shown as code"
    assert [part for part in parts_of_the_canary() if part in text] == []


async def test_an_admin_is_warned_of_what_is_doubtful_in_them(house: House) -> None:
    main = house.engine.sources["main"]
    doubled = replace(house.engine, sources={"main": main, "<second>": replace(main, name="<second>")})
    async with house.client("wzr_admin", create_app(doubled, settings=house.settings)) as client:
        text = (await client.get("/settings")).text

    assert doubled.open_claims() != ()
    assert "<strong>Warning:</strong>" in text
    assert "&lt;second&gt;" in text


@pytest.mark.parametrize("token", ["wzr_viewer", "wzr_approver", "wzr_main-only"])
async def test_nobody_else_sees_them(house: House, token: str) -> None:
    status, text = await page(house, token)

    assert status == 403
    assert "<h1>This is not allowed</h1>" in text
    assert "policy.approvals" not in text
