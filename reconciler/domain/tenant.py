"""Judges from the answers of WizChat whether a tenant can be used."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.domain.write_key import WriteKey


class TenantState(StrEnum):
    """Whether a tenant's WizChat can be used.

    Attributes:
        READY: It answers.
        UNAUTHORIZED: It answers, and the key is refused, or may use nothing of what is needed.
        UNREACHABLE: There is no connection, no answer in time, or a server error.
        MISCONFIGURED: What answers is not the Management API, or refuses what every key may ask.
    """

    READY = "Ready"
    UNAUTHORIZED = "Unauthorized"
    UNREACHABLE = "Unreachable"
    MISCONFIGURED = "Misconfigured"


NOT_ASKED = "WizChat has not been asked yet: wait for the first run."
"""The cause of a tenant without a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRecord:
    """A tenant as it was last seen.

    Attributes:
        state: None while nothing was asked yet.
        cause: One sentence that says what to do; None while Ready.
        since: Since when it is in this state; the cause may have changed meanwhile.
        write_key: What is known of the key for applies; None while nothing is.
        shortcut_off_since: Since when every chatbot is compared at each pass, because `updatedAt` did not move with an
            edit; None while those whose `updatedAt` did not move are left to the rotation.
        shortcut_off_reason: What showed it.
    """

    name: str
    state: TenantState | None = None
    cause: str | None = NOT_ASKED
    since: datetime | None = None
    write_key: WriteKey | None = None
    shortcut_off_since: datetime | None = None
    shortcut_off_reason: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class TenantSignal:
    """The conclusion from one call about its tenant.

    Attributes:
        state: What it would mean if every call ended so; None for a call that shows nothing, as one put off.
        cause: The call's error, in words; None for an answer.
        is_certain: Whether it holds for every call by itself, as a refused key does.
    """

    state: TenantState | None
    cause: str | None = None
    is_certain: bool = False


def judge_tenant(
    listed: TenantSignal | None, compared: Sequence[TenantSignal], *, others_answered: bool
) -> TenantSignal | None:
    """The state of a tenant, judged from the calls of one pass.

    A single dry run that fails concerns its chatbot only: its failure is the tenant's when no other call shows that
    WizChat can be used.

    Args:
        listed: How the list of chatbots ended; None when it was not asked for.
        compared: How the dry runs ended.
        others_answered: Whether other chatbots of the tenant could be compared when that was last tried.

    Returns:
        The tenant's state with its cause; None when the calls allow no conclusion.
    """
    signs = [*compared, *([listed] if listed else [])]
    if certain := next((sign for sign in signs if sign.is_certain), None):
        return certain
    if any(sign.state is TenantState.READY for sign in compared):
        return TenantSignal(TenantState.READY)
    if listed is not None and listed.state not in {None, TenantState.READY}:
        return listed
    judged = [sign for sign in compared if sign.state is not None]
    if judged and not others_answered:
        return Counter(judged).most_common(1)[0][0]
    return listed if listed is not None and listed.state is TenantState.READY else None
