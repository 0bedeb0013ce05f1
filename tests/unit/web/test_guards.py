import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from reconciler.web.auth.gate import LoginThrottle
from reconciler.web.http.allowed_hosts import AllowedHosts
from reconciler.web.http.entity_tags import presents, weak
from tests.fakes.clock import FakeClock


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None: ...


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("127.0.0.1:8080", True),
        ("127.8.8.8", True),
        ("[::1]:8080", True),
        ("bots.example.com", True),
        ("BOTS.example.com:443", True),
        ("a.wild.example.com", True),
        ("wild.example.com", False),
        ("evil.example.net", False),
        ("127.0.0.1.evil.example.net", False),
        ("", False),
    ],
)
def test_only_allowed_hosts_and_loopback_are_answered(host: str, *, allowed: bool) -> None:
    hosts = AllowedHosts(_nothing, allowed=("bots.example.com", "*.wild.example.com"))

    assert hosts.allows(host) is allowed


def test_a_star_allows_every_host() -> None:
    assert AllowedHosts(_nothing, allowed=("*",)).allows("anything.example.net")


def test_a_client_may_fail_so_often_in_a_minute_and_then_waits() -> None:
    clock = FakeClock()
    guesses = LoginThrottle(clock, per_minute=3)

    assert [guesses.fail("192.0.2.1") for _ in range(4)] == [None, None, None, 60.0]
    assert guesses.fail("192.0.2.2") is None
    clock.advance(59)
    assert guesses.fail("192.0.2.1") == 1.0
    clock.advance(1)
    assert guesses.fail("192.0.2.1") is None


def test_what_is_remembered_of_clients_is_bounded() -> None:
    guesses = LoginThrottle(FakeClock(), per_minute=1, remembered=2)
    for number in range(5):
        guesses.fail(f"192.0.2.{number}")

    assert len(guesses._failures) == 2


def _presents(value: bytes, tag: bytes) -> bool:
    return presents({"type": "http", "headers": [(b"if-none-match", value)]}, tag)


@pytest.mark.parametrize("form", [b"%s", b'"x", %s', b'%s , W/"y"', b'W/"x",%s,"z"'])
def test_a_tag_is_found_among_others_and_compared_weakly(form: bytes) -> None:
    tag = weak([b"some"])

    assert _presents(form % tag, tag)
    assert _presents(form % tag.removeprefix(b"W/"), tag)
    assert not _presents(form % weak([b"other"]), tag)


def test_a_star_is_no_tag() -> None:
    assert not _presents(b"*", weak([b"some"]))


@given(st.lists(st.binary()), st.lists(st.binary()))
def test_other_parts_make_another_tag(some: list[bytes], other: list[bytes]) -> None:
    assert (weak(some) == weak(other)) == (b"\0".join(some) == b"\0".join(other))
