"""A signed link shows one plan for a while, and whatever is changed in it makes it show nothing."""

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from reconciler.web.auth import signed_links
from reconciler.web.auth.signed_links import LinkFlaw, LinkLifetime, LinkRefused, SharedLink

KEY = b"k" * 32
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
END = NOW + timedelta(hours=1)


def opened(path: str, *, key: bytes = KEY, now: datetime = NOW) -> SharedLink:
    parts = urlsplit(path)
    asked = parse_qs(parts.query, keep_blank_values=True)
    plan_id = unquote(parts.path.removeprefix("/plans/"))
    return signed_links.verify(key, plan_id, asked.get("until", []), asked.get("signature", []), now)


def flaw_of(path: str, *, key: bytes = KEY, now: datetime = NOW) -> LinkFlaw:
    with pytest.raises(LinkRefused) as refused:
        opened(path, key=key, now=now)
    return refused.value.flaw


@pytest.mark.parametrize("plan_id", ["plan_1", "plan with blanks & more?", "plän/ü", "%2e%2e"])
def test_a_link_shows_its_plan_until_it_ends(plan_id: str) -> None:
    path = signed_links.sign(KEY, plan_id, END)

    assert path.isascii()
    assert opened(path) == SharedLink(plan_id, END, path)
    assert opened(path, now=END - timedelta(microseconds=1)).plan_id == plan_id
    assert flaw_of(path, now=END) is LinkFlaw.EXPIRED
    assert flaw_of(path, now=END + timedelta(days=400)) is LinkFlaw.EXPIRED


@pytest.mark.parametrize("lifetime", LinkLifetime)
def test_a_link_that_lasts_longer_than_any_was_made_while_the_clock_was_ahead(lifetime: LinkLifetime) -> None:
    ahead = NOW + timedelta(days=30)
    assert flaw_of(signed_links.sign(KEY, "plan_1", ahead + lifetime.lasts)) is LinkFlaw.EXPIRED
    assert opened(signed_links.sign(KEY, "plan_1", NOW + timedelta(seconds=60) + lifetime.lasts)).plan_id == "plan_1"


def test_a_link_of_another_key_shows_nothing() -> None:
    assert flaw_of(signed_links.sign(KEY, "plan_1", END), key=b"K" * 32) is LinkFlaw.WRONG


def changed() -> dict[str, str]:
    good = signed_links.sign(KEY, "plan_1", END)
    moment, signature = str(int(END.timestamp())), good[-43:]
    other = "A" if signature[0] != "A" else "B"
    return {
        "another plan": good.replace("plan_1", "plan_2"),
        "a longer id": good.replace("plan_1", "plan_1%00"),
        "a later end": good.replace(moment, str(int(moment) + 1)),
        "an end of nine thousand years": good.replace(moment, "99999999999"),
        "an end that is too large for a date": good.replace(moment, "9" * 400),
        "a negative end": good.replace(moment, f"-{moment}"),
        "a leading zero": good.replace(moment, f"0{moment}"),
        "a blank before the end": good.replace(moment, f"%20{moment}"),
        "the end in other digits": good.replace(moment, "%D9%A1" * 10),
        "no end": good.replace(f"until={moment}&", ""),
        "an empty end": good.replace(moment, ""),
        "no signature": good.partition("&")[0],
        "an empty signature": good[:-43],
        "one character less": good[:-1],
        "one character more": f"{good}A",
        "padding": f"{good}=",
        "another first character": good[:-43] + other + good[-42:],
        "a line end": f"{good}%0A",
        "a signature of other letters": good[:-43] + "%C3%A9" * 43,
        "a lone surrogate": good[:-43] + "%ED%A0%80" * 43,
        "the signature twice": f"{good}&signature={signature}",
        "another signature before": good.replace("signature=", f"signature={'A' * 43}&signature="),
        "the end twice": f"{good}&until={moment}",
        "a later end after": f"{good}&until={int(moment) + 1}",
        "the other case": good[:-43] + signature.swapcase(),
    }


@pytest.mark.parametrize("how", changed())
def test_a_changed_link_shows_nothing(how: str) -> None:
    assert flaw_of(changed()[how]) is LinkFlaw.WRONG


def test_what_expired_and_was_changed_is_not_told_that_it_was_ever_good() -> None:
    assert flaw_of(signed_links.sign(KEY, "plan_1", END)[:-1] + "-", now=END) is LinkFlaw.WRONG


@pytest.mark.parametrize("purpose", ["", "sign in", "wizchat-reconciler link v2: show a plan"])
def test_what_the_key_signed_for_another_purpose_shows_nothing(purpose: str) -> None:
    moment = str(int(END.timestamp()))
    digest = hmac.digest(KEY, f"{purpose}\0plan_1\0{moment}".encode(), "sha256")
    signed = urlsafe_b64encode(digest).decode().rstrip("=")

    assert flaw_of(f"/plans/plan_1?until={moment}&signature={signed}") is LinkFlaw.WRONG


def test_no_link_lasts_longer_than_a_week() -> None:
    assert max(each.lasts for each in LinkLifetime) == timedelta(days=7)


def test_a_key_is_not_in_what_is_said_of_a_refusal() -> None:
    with pytest.raises(LinkRefused) as refused:
        opened(signed_links.sign(KEY, "plan_1", END), now=END)
    assert "k" * 8 not in repr(refused.value)
