"""A change of where requests go: to another host or port, or in the clear."""

from typing import Any

import pytest

from reconciler.domain.endpoints import is_redirected
from reconciler.domain.fields import MISSING

HERE = "https://crm.acme.example/mcp"


@pytest.mark.parametrize(
    "after",
    [
        "https://crm.evil.example/mcp",
        "https://crm.acme.example.evil.example/mcp",
        "https://crm.acme.example@evil.example/mcp",
        "https://crm.acme.example:8443/mcp",
        "http://crm.acme.example/mcp",
        "ftp://crm.acme.example/mcp",
        "//evil.example/mcp",
        "https:evil.example/mcp",
        "https:///evil.example/mcp",
        "https://evil.example\\@crm.acme.example/mcp",
        "https://crm.acme.example\uff0f.evil.example/mcp",
        "https://crm.acme.example\t.evil.example/mcp",
        "https://crm.acme.ex\u0430mple/mcp",
        "https://crm.acme.example:x/mcp",
        "https://[::1/mcp",
        "/mcp",
        "evil.example",
    ],
)
def test_a_server_is_elsewhere(after: str) -> None:
    assert is_redirected("mcpServers.url", HERE, after)


@pytest.mark.parametrize(
    "after",
    [
        "https://crm.acme.example/v2/mcp?tenant=a#x",
        "https://CRM.acme.example./mcp",
        "https://crm.acme.example:443/mcp",
        "https://ann@crm.acme.example/mcp",
        " https://crm.acme.example ",
        "",
        None,
        MISSING,
        7,
    ],
)
def test_a_server_is_where_it_was_or_has_no_address(after: Any) -> None:
    assert not is_redirected("mcpServers.url", HERE, after)


@pytest.mark.parametrize("before", [MISSING, None, "", " "])
def test_an_address_where_none_was_says_where_requests_go_from_now_on(before: Any) -> None:
    assert is_redirected("mcpServers.url", before, HERE)
    assert not is_redirected("mcpServers.url", before, "/mcp")


@pytest.mark.parametrize(
    ("before", "after", "redirected"),
    [
        ("http://a.example", "https://a.example", False),
        ("ws://a.example:80", "wss://a.example", False),
        ("wss://a.example", "ws://a.example", True),
        ("a.example", "a.example/x", False),
        ("a.example", "https://a.example", False),
        ("a.example", "b.example", True),
        ("a.example:1", "a.example:2", True),
        ("/a", "/b", False),
        ("/a", "//evil.example/a", True),
        ("https://{host}/a", "https://{host}/b", False),
    ],
)
def test_encrypting_and_another_path_point_nowhere_else(before: str, after: str, *, redirected: bool) -> None:
    assert is_redirected("core.byoiConfig.endpoint", before, after) == redirected


@pytest.mark.parametrize(
    "path",
    [
        "core.byoiConfig.baseUrl",
        "core.byoiConfig.host",
        "core.behavior.handover.webhook",
        "core.behavior.handover.target",
        "core.imageGeneration.endpoint",
        "core.appearance.scriptUrl",
        "core.authConfig.redirect_uri",
        "mcpServers.oauthConfig.tokenUrl",
    ],
)
def test_in_core_a_name_or_the_value_says_that_requests_go_there(path: str) -> None:
    assert is_redirected(path, "https://a.example/x", "https://b.example/x")


@pytest.mark.parametrize(
    "path", ["core.logoUrl", "core.appearance.logo.url", "core.appearance.avatar", "core.appearance.chat_icon_url"]
)
def test_nothing_is_sent_to_a_picture(path: str) -> None:
    assert not is_redirected(path, "https://a.example/x.png", "https://b.example/x.png")


def test_a_text_that_is_no_address_or_becomes_none_sends_nothing_anywhere() -> None:
    assert not is_redirected("core.description", "Acme", "See https://acme.example")
    assert not is_redirected("core.description", "Acme", "https://acme.example")
    assert not is_redirected("core.description", "https://acme.example", "Acme")
