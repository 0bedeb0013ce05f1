import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.web.settings import WebhookSpec
from reconciler.web.webhooks import proven, why_ignored

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
SIGNED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


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


def test_an_empty_secret_proves_nothing() -> None:
    assert not proven([""], BODY, ["sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()])
    assert not proven([], BODY, [SIGNED])


@given(st.binary(), st.text(st.characters(codec="utf-8"), min_size=1), st.integers(min_value=0))
def test_a_changed_body_is_not_proven(body: bytes, secret: str, where: int) -> None:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert proven([secret], body, [signature])
    at = where % (len(body) + 1)
    assert not proven([secret], body[:at] + b"!" + body[at:], [signature])


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

    assert (why_ignored(WebhookSpec("github", ("s",)), headers, payload, branch) is not None) is ignored


def test_a_generic_forge_is_not_asked_for_its_event() -> None:
    assert why_ignored(WebhookSpec("generic", ("s",)), {"x-github-event": "ping"}, {}, "main") is None


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(WebhookSpec("github", (SECRET,)))
