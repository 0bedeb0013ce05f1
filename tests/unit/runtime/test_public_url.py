"""The address that people have of the service."""

from pathlib import Path

import pytest

from tests.unit.runtime.test_settings import SOURCE, TENANT, from_toml, toml_refusal


def server_at(url: str) -> str:
    return f"{TENANT}{SOURCE}[server]\npublic_url = '{url}'\n"


@pytest.mark.parametrize("path", ["", "/", "/reconciler", "/ops/reconciler/", "/a.b-c_d~e"])
def test_it_may_have_a_path(tmp_path: Path, path: str) -> None:
    settings = from_toml(tmp_path, server_at(f"https://ops.example.com{path}"))

    assert settings.server.public_url == f"https://ops.example.com{path}".rstrip("/")


@pytest.mark.parametrize("path", ["/a//b", "/../x", "/a/.", "/ä", "/a%20b", "/a;b", '/"x', "//x"])
def test_a_path_that_cannot_be_served_is_refused(tmp_path: Path, path: str) -> None:
    message = toml_refusal(tmp_path, server_at(f"https://ops.example.com{path}"))

    assert "server.public_url" in message
    assert "cannot be served: write one such as /reconciler" in message
