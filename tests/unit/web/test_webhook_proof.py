import hashlib
import hmac
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from reconciler.domain.forge_urls import Forge
from reconciler.engine.context import SourceBinding
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.webhooks.api import MAX_READ, DeliveryProof, DeliveryRoom, NoPayload, PingDelivery, why_ignored
from tests.fakes.source import FakeSource
from tests.support.defaults import source_binding

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
SIGNED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def source(forge: Forge, branch: str | None) -> SourceBinding:
    return source_binding("main", "acme", "https://git.example.com/acme/bots.git", branch, FakeSource(), forge=forge)


def proven(secrets: Sequence[str], body: bytes, signatures: Sequence[str], *, step: int = 7) -> bool:
    proof = DeliveryProof(secrets, signatures)
    for at in range(0, len(body), step):
        proof.take(body[at : at + step])
    return proof.holds()


def test_the_published_test_vector_is_proven() -> None:
    assert proven([SECRET], BODY, [SIGNED])


def test_any_secret_of_a_rotation_proves() -> None:
    assert proven(["new", SECRET], BODY, [SIGNED])


@pytest.mark.parametrize(
    "signatures",
    [
        [],
        [""],
        ["sha256="],
        [SIGNED.upper()],
        [SIGNED.removeprefix("sha256=")],
        [SIGNED[:-1]],
        [SIGNED + "0"],
        ["sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()],
        ["sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()],
        [SIGNED, SIGNED],
        ["sha256=\u20ac"],
    ],
)
def test_nothing_else_is_proven(signatures: list[str]) -> None:
    assert not proven([SECRET], BODY, signatures)


@pytest.mark.parametrize(
    ("signatures", "possible"),
    [
        ([SIGNED], True),
        (["sha256=" + "0" * 64], True),
        ([], False),
        ([SIGNED, SIGNED], False),
        ([SIGNED[:-1]], False),
        ([SIGNED.upper()], False),
        ([SIGNED + "\n"], False),
    ],
)
def test_whether_anything_could_be_proven_is_known_before_the_body(signatures: list[str], *, possible: bool) -> None:
    assert DeliveryProof([SECRET], signatures).is_possible is possible


def test_an_empty_secret_proves_nothing() -> None:
    assert not proven([""], BODY, ["sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()])
    assert not proven([], BODY, [SIGNED])


@given(st.binary(), st.text(st.characters(codec="utf-8"), min_size=1), st.integers(min_value=0))
def test_a_changed_body_is_not_proven(body: bytes, secret: str, where: int) -> None:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert proven([secret], body, [signature])
    at = where % (len(body) + 1)
    assert not proven([secret], body[:at] + b"!" + body[at:], [signature])


def test_what_is_kept_says_what_the_body_says_and_its_room_is_given_back() -> None:
    room = DeliveryRoom(1000)
    draft = PingDelivery(room)
    for part in (b'{"ref": ', b'"refs/heads/main"}'):
        draft.take(part)

    assert draft.payload() == {"ref": "refs/heads/main"}
    assert room.left < 1000
    draft.close()
    draft.close()
    assert room.left == 1000


def test_a_body_that_is_too_large_is_not_kept_and_says_nothing() -> None:
    room = DeliveryRoom(10 * MAX_READ)
    draft = PingDelivery(room)
    for part in (b"[" * MAX_READ, b"[", b"["):
        draft.take(part)

    assert (draft.payload(), room.left) == ({}, 10 * MAX_READ)


def test_a_body_as_large_as_may_be_is_kept() -> None:
    draft = PingDelivery(DeliveryRoom(MAX_READ))
    body = json.dumps({"ref": "refs/heads/main"}).encode()
    draft.take(body + b" " * (MAX_READ - len(body)))

    assert draft.payload() == {"ref": "refs/heads/main"}


def test_many_bodies_share_the_room_and_one_without_says_nothing() -> None:
    room = DeliveryRoom(3 * MAX_READ)
    drafts = [PingDelivery(room) for _ in range(5)]
    for draft in drafts:
        draft.take(b"[" * MAX_READ)

    assert room.left == 0
    for draft in drafts[:3]:
        with pytest.raises(NoPayload):
            draft.payload()
    assert [draft.payload() for draft in drafts[3:]] == [{}, {}]


@pytest.mark.parametrize(
    ("event", "payload", "branch", "ignored"),
    [
        ("push", {"ref": "refs/heads/main"}, "main", False),
        ("push", {"ref": "refs/heads/other"}, "main", True),
        ("push", {"ref": "refs/tags/main"}, "main", True),
        ("push", {"ref": "refs/heads/other"}, None, False),
        ("ping", {"zen": "Keep it simple"}, "main", True),
        (None, {}, "main", False),
    ],
)
def test_only_pushes_to_the_branch_count(
    event: str | None, payload: dict[str, str], branch: str | None, *, ignored: bool
) -> None:
    headers = {"x-github-event": event} if event else {}

    assert (why_ignored(source(Forge.GITHUB, branch), headers, payload) is not None) is ignored


def test_a_generic_forge_is_not_asked_for_its_event() -> None:
    assert why_ignored(source(Forge.GENERIC, "main"), {"x-github-event": "ping"}, {}) is None


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(WebSettings(webhook_secret={"main": (SecretStr(SECRET),)}))
