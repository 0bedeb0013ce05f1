"""Signs and verifies links that show one plan without an account until they expire.

A link says the plan and when it ends; the signature covers both and the purpose, so that nothing that this key ever
signs can be passed off for something else. Pure: the key and the time are given.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from reconciler.domain.clock_tolerance import TOLERANCE

UNTIL = "until"
SIGNATURE = "signature"

_PURPOSE = "wizchat-reconciler link v1: show a plan"
_MOMENT = re.compile(r"[1-9][0-9]{0,10}", re.ASCII)
_SIGNED = re.compile(r"[\w-]{43}", re.ASCII)


class LinkLifetime(StrEnum):
    """How long a link may be good for."""

    HOUR = "1h"
    DAY = "1d"
    WEEK = "7d"

    @property
    def lasts(self) -> timedelta:
        """The lifetime as a timedelta."""
        match self:
            case LinkLifetime.HOUR:
                return timedelta(hours=1)
            case LinkLifetime.DAY:
                return timedelta(days=1)
            case LinkLifetime.WEEK:
                return timedelta(days=7)


class LinkFlaw(StrEnum):
    """Why a link is refused; the value goes into the address of the login page."""

    WRONG = "link_wrong"
    EXPIRED = "link_expired"

    @property
    def words(self) -> str:
        """The message for the person."""
        match self:
            case LinkFlaw.WRONG:
                return "the link is not whole or was changed: ask for a new one, or sign in"
            case LinkFlaw.EXPIRED:
                return "the link has expired: ask for a new one, or sign in"


class LinkRefused(Exception):
    """A link shows nothing.

    Attributes:
        flaw: Why.
    """

    def __init__(self, flaw: LinkFlaw) -> None:
        super().__init__(flaw.words)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class SharedLink:
    """Somebody without an account who came by a link.

    Attributes:
        plan_id: The only plan that they may see.
        until: When the link ends.
        path: The link itself, without the host; another parameter can follow.
    """

    plan_id: str
    until: datetime
    path: str = field(default="", repr=False)


def sign(key: bytes, plan_id: str, until: datetime) -> str:
    """The path of a link that shows a plan until then, to the second."""
    moment = str(int(until.timestamp()))
    return f"/plans/{quote(plan_id, safe='')}?{UNTIL}={moment}&{SIGNATURE}={_signature(key, plan_id, moment)}"


def verify(key: bytes, plan_id: str, until: Sequence[str], signature: Sequence[str], now: datetime) -> SharedLink:
    """See whether a link may show a plan.

    Args:
        key: What signed it.
        plan_id: The plan that it asks for.
        until: Every value of this parameter.
        signature: Every value of this parameter.
        now: The present time.

    Raises:
        LinkRefused: It was changed, or is not whole; or it has expired, disclosed for correctly signed links only.
    """
    moment, signed = _only(until, _MOMENT), _only(signature, _SIGNED)
    if not hmac.compare_digest(signed.encode(), _signature(key, plan_id, moment).encode()):
        raise LinkRefused(LinkFlaw.WRONG)
    end = datetime.fromtimestamp(int(moment), UTC)
    # no link has a longer lifetime: this one was made while the clock was ahead
    if not now < end <= now + max(lifetime.lasts for lifetime in LinkLifetime) + TOLERANCE:
        raise LinkRefused(LinkFlaw.EXPIRED)
    return SharedLink(plan_id, end, sign(key, plan_id, end))


def _only(values: Sequence[str], form: re.Pattern[str]) -> str:
    """The one value of a parameter: of two, nobody could say which one was meant."""
    if len(values) != 1 or not form.fullmatch(values[0]):
        raise LinkRefused(LinkFlaw.WRONG)
    return values[0]


def _signature(key: bytes, plan_id: str, moment: str) -> str:
    # no part holds a NUL, so that no two different links have one text
    text = f"{_PURPOSE}\0{plan_id}\0{moment}".encode(errors="surrogatepass")
    return urlsafe_b64encode(hmac.digest(key, text, hashlib.sha256)).decode().rstrip("=")
