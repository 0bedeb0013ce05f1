"""Settings that are web addresses: none takes credentials, a query or a fragment, and no refusal repeats them."""

import json
from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.settings.input import load_settings
from reconciler.settings.model import Settings, model_of
from reconciler.settings.reference import is_secret

SECRET = "hunter2"
PLACES = {
    "server.public_url": "https://ops.example.com/reconciler",
    "server.cors_origins": "https://ops.example.com",
    "oidc.issuer": "https://sso.example.com/realms/acme",
    "tenants.base_url": "https://wizchat.example",
}
"""Every setting that is a web address, with one that it takes."""

CREDENTIALS = [
    f"https://user:{SECRET}@ops.example.com/",
    f"https://{SECRET}@ops.example.com",
    f"https://:{SECRET}@ops.example.com",
    f"https://user:{SECRET}/x@ops.example.com",
    f"https://user:{SECRET}?x@ops.example.com",
    f"https://user:{SECRET}#x@ops.example.com",
    f"https://user:1/{SECRET}@ops.example.com",
    f"https://user:1?{SECRET}@ops.example.com",
    f"https://user:{SECRET}@x@ops.example.com",
    f"https://user:{SECRET}@[::1",
    f"user:{SECRET}@ops.example.com",
]


def load(tmp_path: Path, place: str, address: str) -> Settings:
    table, _, name = place.partition(".")
    given = f"{name} = {json.dumps([address] if name == 'cors_origins' else address)}\n"
    path = tmp_path / "reconciler.toml"
    if table == "tenants":
        path.write_text(f'[[tenants]]\nname = "a"\napi_key = "k"\n{given}', encoding="utf-8")
    else:
        path.write_text(f"[{table}]\n{given}" + 'client_id = "c"\n' * (table == "oidc"), encoding="utf-8")
    return load_settings({"RECONCILER_CONFIG": str(path)})


def refusal(tmp_path: Path, place: str, address: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, place, address)
    return str(caught.value)


def test_every_setting_that_is_a_web_address_is_in_this_table() -> None:
    found = {
        f"{table}.{name}"
        for table, field in Settings.model_fields.items()
        for model in [model_of(field.annotation)]
        if model is not None
        for name, inner in model.model_fields.items()
        if name.endswith(("url", "origins", "issuer")) and not is_secret(inner)
    }

    assert found == set(PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_an_address_is_taken(tmp_path: Path, place: str) -> None:
    assert load(tmp_path, place, PLACES[place])


@pytest.mark.parametrize("address", CREDENTIALS)
@pytest.mark.parametrize("place", PLACES)
def test_credentials_are_refused_and_not_repeated(tmp_path: Path, place: str, address: str) -> None:
    message = refusal(tmp_path, place, address)

    assert "it holds credentials (an @): leave them out, as in https://" in message
    assert place.partition(".")[2] in message
    assert SECRET not in message


@pytest.mark.parametrize("end", ["?key=hunter2", "#hunter2", "?", "#", "/?"])
@pytest.mark.parametrize("place", PLACES)
def test_a_query_or_a_fragment_is_refused_with_what_to_write(tmp_path: Path, place: str, end: str) -> None:
    message = refusal(tmp_path, place, PLACES[place] + end)

    assert f"it holds a query or a fragment: write {PLACES[place]} (in " in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "address",
    ["ops.example.com", "ftp://ops.example.com", "https://", "https://h:port", "https://h:0", "https://h:99999",
     "https://[::1", "https://h x", " https://h", "https://h\\x", "https://h\n.example"],
)  # fmt: skip
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_address_is_refused_with_an_example(tmp_path: Path, place: str, address: str) -> None:
    assert "it is not a URL such as https://" in refusal(tmp_path, place, address)


@pytest.mark.parametrize("issuer", ["https://login.example.com/TENANT-ID/v2.0", "https://id.example.com/a/"])
def test_an_issuer_may_have_a_path(tmp_path: Path, issuer: str) -> None:
    assert load(tmp_path, "oidc.issuer", issuer).oidc.issuer == issuer.rstrip("/")


def test_an_issuer_in_the_clear_is_refused(tmp_path: Path) -> None:
    assert "in the clear: use https" in refusal(tmp_path, "oidc.issuer", "http://sso.example.com/realms/acme")


def test_an_origin_with_a_path_is_refused_with_what_to_write(tmp_path: Path) -> None:
    message = refusal(tmp_path, "server.cors_origins", "https://ops.example.com/reconciler")

    assert "it is not an origin: write https://ops.example.com, without a path" in message


@pytest.mark.parametrize(
    "host", ["bots.example.com", "*.example.com", "*", "10.0.0.7", "::1", "my_host", "bücher.example"]
)
def test_a_name_is_taken_as_a_host(host: str) -> None:
    assert load_settings({"RECONCILER_SERVER__ALLOWED_HOSTS": host}).server.allowed_hosts == (host,)


@pytest.mark.parametrize(
    "host",
    [f"https://user:{SECRET}@ops.example.com", f"user:{SECRET}@ops.example.com", "https://ops.example.com",
     "ops.example.com:8443", "ops.example.com/reconciler", "a b"],
)  # fmt: skip
def test_an_address_is_refused_where_a_host_name_belongs(host: str) -> None:
    with pytest.raises(
        SettingsError, match=r"server\.allowed_hosts.*it is not a host name: write the name alone"
    ) as caught:
        load_settings({"RECONCILER_SERVER__ALLOWED_HOSTS": host})
    assert SECRET not in str(caught.value)
