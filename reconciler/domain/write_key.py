"""The state of a tenant's write key: whether WizChat accepts it, and which rights applies found missing.

WizChat names a scope only when it refuses what needs it, and nothing is ever written to find that out. So a key that
is taken for a read may still turn out at the first apply to be one that may not write.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from reconciler.domain.apply_answers import ApplyAnswer, ApplyAnswered, ApplyRefused
from reconciler.domain.plan import Action

_REFUSES_KEY: Final = frozenset({"invalid_api_key", "unauthorized"})
_LACKS_SCOPE: Final = "insufficient_scope"
_LACKS_CHATBOT: Final = "chatbot_not_in_key_scope"


class WriteKeyState(StrEnum):
    """Whether WizChat takes a write key.

    Attributes:
        REFUSED: It does not: no apply can succeed.
        ACCEPTED: It does for reading; whether the key may write is known only at the first apply.
        PROVEN: An apply with it was carried out.
    """

    REFUSED = "Refused"
    ACCEPTED = "Accepted"
    PROVEN = "Proven"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingRight:
    """Something that an apply was refused for, as the key may not do it.

    Attributes:
        scope: Such as ``skills:write``; None where WizChat named none, or refused the chatbot.
        sections: What may not be written without it.
        chatbot_id: The chatbot that the key may not use; None for a scope.
        since: When that was first seen.
    """

    scope: str | None = None
    sections: tuple[str, ...] = ()
    chatbot_id: str | None = None
    since: datetime

    def concerns(self, chatbot_id: str, sections: Collection[str]) -> bool:
        """Whether an apply that writes these sections of a chatbot needs it."""
        return chatbot_id == self.chatbot_id or not set(sections).isdisjoint(self.sections)

    def is_same_as(self, other: "MissingRight") -> bool:
        """Whether it is the same, whenever it was seen."""
        return replace(self, since=other.since) == other

    def after_writing(self, chatbot_id: str, sections: Collection[str]) -> "MissingRight | None":
        """What is left of it once an apply wrote these sections of a chatbot; None for nothing."""
        if not self.concerns(chatbot_id, sections):
            return self
        remaining = tuple(section for section in self.sections if section not in sections)
        # a scope covers all of its sections, so one that was written proves it
        return replace(self, sections=remaining) if remaining and self.scope is None else None

    def sentence(self, tenant: str) -> str:
        """What is missing, and what to do."""
        if self.chatbot_id is not None:
            return (
                f"WizChat refused the last apply of the chatbot {self.chatbot_id}, because the write key may not use "
                f"it: add the chatbot to the write key of tenant {tenant}."
            )
        sections = ", ".join(f"spec.{section}" for section in self.sections)
        scope = f"the scope {self.scope}" if self.scope else "a write scope"
        return (
            f"WizChat refused the last apply of {sections}, because the write key lacks {scope}: add it to the write "
            f"key of tenant {tenant}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """A write key as it was last seen.

    Attributes:
        key_id: Identifies the key without disclosing any of it.
        state: None while WizChat was not asked yet.
        since: Since when it is in this state.
        missing: What applies were refused for, until one shows otherwise.
    """

    key_id: str = ""
    state: WriteKeyState | None = None
    since: datetime | None = None
    missing: tuple[MissingRight, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether no apply can succeed with it."""
        return self.state is WriteKeyState.REFUSED

    def missing_for(self, chatbot_id: str, sections: Collection[str]) -> tuple[MissingRight, ...]:
        """What an apply that writes these sections of a chatbot was refused for before."""
        return tuple(right for right in self.missing if right.concerns(chatbot_id, sections))

    def after_read(self, now: datetime, *, refused: bool) -> Self:
        """As it is once WizChat took it for a read, or refused it."""
        if refused:
            return self._in(WriteKeyState.REFUSED, now)
        return self if self.state is WriteKeyState.PROVEN else self._in(WriteKeyState.ACCEPTED, now)

    def after_apply(self, chatbot_id: str, sections: Collection[str], answer: ApplyAnswer, now: datetime) -> Self:
        """As it is once WizChat answered an apply.

        Args:
            chatbot_id: The chatbot.
            sections: What the apply was to write.
            answer: WizChat's answer.
            now: The moment.
        """
        key = self.after_writing(chatbot_id, _written(answer), now)
        refusal = refusal_of(answer)
        return key.after_refusal(chatbot_id, sections, refusal, now) if refusal is not None else key

    def after_writing(self, chatbot_id: str, written: Collection[str], now: datetime) -> Self:
        """As it is once sections of a chatbot were written with it."""
        if not written:
            return self
        remaining = (right.after_writing(chatbot_id, written) for right in self.missing)
        return replace(self._in(WriteKeyState.PROVEN, now), missing=tuple(right for right in remaining if right))

    def after_refusal(self, chatbot_id: str, sections: Collection[str], refusal: ApplyRefused, now: datetime) -> Self:
        """As it is once an apply that was to write sections of a chatbot was refused."""
        if refusal.code in _REFUSES_KEY:
            return self._in(WriteKeyState.REFUSED, now)
        right = _missing_right(refusal, chatbot_id, sections, now)
        if right is None or any(right.is_same_as(missing) for missing in self.missing):
            return self
        return replace(self, missing=(*self.missing, right))

    def _in(self, state: WriteKeyState, now: datetime) -> Self:
        return self if self.state is state else replace(self, state=state, since=now)


def refusal_of(answer: ApplyAnswer) -> ApplyRefused | None:
    """Why an apply, or the op that stopped it, was refused; None where nothing was."""
    match answer:
        case ApplyRefused():
            return answer
        case ApplyAnswered(failed={"code": str(code), "op": {"section": str(section)}}):
            return ApplyRefused(code, "", sections=(section,))
        case _:
            return None


def concerns_key(answer: ApplyAnswer) -> bool:
    """Whether an apply was refused because of the key that it came with."""
    refusal = refusal_of(answer)
    return refusal is not None and refusal.code in {*_REFUSES_KEY, _LACKS_SCOPE, _LACKS_CHATBOT}


def _written(answer: ApplyAnswer) -> frozenset[str]:
    """The sections that an apply wrote something of."""
    applied = answer.applied if isinstance(answer, ApplyAnswered) else ()
    done = (item for item in applied if item.get("action") != Action.NOOP and not item.get("noop"))
    return frozenset(section for item in done if isinstance(section := item.get("section"), str))


def _missing_right(
    refusal: ApplyRefused, chatbot_id: str, sections: Collection[str], now: datetime
) -> MissingRight | None:
    if refusal.code == _LACKS_CHATBOT:
        return MissingRight(chatbot_id=chatbot_id, since=now)
    if refusal.code == _LACKS_SCOPE:
        return MissingRight(scope=refusal.scope, sections=refusal.sections or tuple(sorted(sections)), since=now)
    return None


def write_key_warnings(tenant: str, key: WriteKey | None) -> tuple[str, ...]:
    """What prevents applies with a tenant's write key, and what to do about it."""
    if key is None:
        return ()
    refused = (write_key_sentence(tenant, key),) if key.is_refused else ()
    return (*refused, *(right.sentence(tenant) for right in key.missing))


def write_key_sentence(tenant: str, key: WriteKey) -> str:
    """What is known of a tenant's write key, and what to do about it."""
    match key.state:
        case None:
            return "WizChat has not been asked yet whether it takes the write key: wait for the first run."
        case WriteKeyState.REFUSED:
            return (
                "WizChat refuses the write key, so nothing can be applied: put a valid one in write_api_key "
                f"(WIZCHAT_WRITE_API_KEY) of tenant {tenant} and start the service again; once it is put right at "
                "WizChat, refresh a source of the tenant."
            )
        case WriteKeyState.ACCEPTED:
            return "WizChat takes the write key; whether it may write is known only at the first apply."
        case WriteKeyState.PROVEN:
            return "An apply with the write key was carried out."
