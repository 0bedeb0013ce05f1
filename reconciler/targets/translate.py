"""Between the SDK's values and the domain's. Pure: nothing is sent, waited for or logged here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api_client.contract import LIST_SECTIONS, SECTIONS, contract_view
from api_client.models import ApplyResult, ChatbotConfigDocument, PublicChatbot
from api_client.models import Op as WireOp
from reconciler import errors
from reconciler.domain import fields
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.fields import MISSING
from reconciler.domain.names import bounded_name
from reconciler.domain.outcome import Answer, Answered, Unclear
from reconciler.domain.plan import Action, Op
from reconciler.ports import LiveChatbot
from reconciler.targets.refusals import quoted

OMITTED = "_omittedSections"


def ops_of(result: ApplyResult) -> tuple[Op, ...]:
    """The ops of a dry run, in the API's order, without server-owned and unknown fields.

    Raises:
        BadAnswer: The answer is not one to a dry run, or holds what cannot be kept.
        RequestRefused: The dry run itself stopped at an op.
    """
    if not result.dryRun:
        raise errors.BadAnswer("WizChat answered a dry run as if it were an apply: tell WizChat's support")
    if result.failed is not None:
        place = result.failed.op.get("section", "an op")
        raise errors.RequestRefused(f"WizChat stopped the dry run at {place}: {quoted(result.failed.message)}")
    return tuple(_sound(_op(op)) for op in result.plan.ops)


def _sound(op: Op) -> Op:
    """What no JSON in UTF-8 can say, such as half of a surrogate pair, could be neither hashed, kept nor sent."""
    try:
        canonical_bytes([op.key, op.before, op.after])
    except ValueError as error:
        raise errors.BadAnswer(
            f"WizChat's answer holds text or a number in {op.section} that cannot be kept ({type(error).__name__}): "
            "correct it in WizChat's dashboard"
        ) from error
    return op


def _op(wire: WireOp) -> Op:
    section = wire.section.value
    before, after = _view(section, wire.before), _view(section, wire.after)
    changed = tuple(sorted(set(wire.changedFields or ()))) if wire.action.value == Action.UPDATE else ()
    if wire.action.value == Action.UPDATE and not _all_found(changed, before, after):
        changed = _differing(before, after) or changed
    # one of two fields of the same name would change unseen: the object that holds the other one is shown as a whole
    hidden = {name.partition(".")[0] for name in changed if fields.is_ambiguous(name, before, after)}
    changed = tuple(sorted({*changed, *hidden}))
    return Op(
        section=section,
        action=Action(wire.action.value),
        key=wire.key if section in LIST_SECTIONS else None,
        before=before,
        after=after,
        changed_fields=changed,
    )


def _view(section: str, value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if value is None else contract_view(section, value)


def _all_found(changed: tuple[str, ...], before: Any, after: Any) -> bool:
    """Whether every named field can be looked up: an approval binds only what can be."""
    found = (fields.get(before, name) is not MISSING or fields.get(after, name) is not MISSING for name in changed)
    return bool(changed) and all(found)


def _differing(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str, ...]:
    old, new = before or {}, after or {}
    names = sorted(old.keys() | new.keys())
    return tuple(name for name in names if not fields.are_same(old.get(name, MISSING), new.get(name, MISSING)))


def body_of(config: ChatbotConfigDocument) -> dict[str, Any]:
    """An export as a document body: sections in the contract's order, without server-owned and unknown fields.

    Sections that the key may not read stay named in ``_omittedSections``, so that nobody takes them for empty.
    """
    spec = config.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    body = {
        "apiVersion": "v1",
        "kind": "ChatbotConfig",
        "spec": {name: _section(name, spec[name]) for name in SECTIONS if name in spec},
    }
    omitted = config.model_dump(mode="json", by_alias=True).get(OMITTED)
    return {**body, OMITTED: list(omitted)} if omitted else body


def _section(name: str, value: Any) -> Any:
    return [contract_view(name, item) for item in value] if name in LIST_SECTIONS else contract_view(name, value)


def live_chatbot(chatbot: PublicChatbot) -> LiveChatbot:
    """A line of the list."""
    return LiveChatbot(id=chatbot.id, name=bounded_name(chatbot.name) or None, updated_at=moment(chatbot.updatedAt))


def moment(text: str | None) -> datetime | None:
    """An API time, timezone-aware; None when it is absent or cannot be read."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def answer_of(result: ApplyResult) -> Answer:
    """What a readable result of an apply says; one that cannot be kept says nothing, and is read back."""
    if result.dryRun:
        return Unclear("WizChat answered an apply as if it were a dry run")
    applied = tuple(item.model_dump(mode="json", exclude_none=True) for item in result.applied or ())
    failed = result.failed.model_dump(mode="json", exclude_none=True) if result.failed else None
    try:
        canonical_bytes([applied, failed])
    except ValueError as error:
        return Unclear(f"WizChat's answer holds text or a number that cannot be kept ({type(error).__name__})")
    return Answered(applied, failed)
