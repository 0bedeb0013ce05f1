"""Between the SDK's values and the domain's. Pure: nothing is sent, waited for or logged here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from api_client.contract import LIST_SECTIONS, SECTIONS, contract_view
from api_client.models import ApplyResult, ChatbotConfigDocument, PublicChatbot
from api_client.models import Op as WireOp
from reconciler import errors
from reconciler.domain import fields
from reconciler.domain.apply_answers import ApplyAnswer, ApplyAnswered, ApplyUnclear
from reconciler.domain.fields import MISSING
from reconciler.domain.names import bounded_name
from reconciler.domain.plan import Action, Op
from reconciler.ports import LiveChatbot
from reconciler.targets.error_translation import quoted
from reconciler.targets.storable import TOO_DEEP, is_storable_id, why_not_storable

OMITTED = "_omittedSections"
MAX_LISTED = 20_000
"""Chatbots of one tenant: each is a row, and some 30 bytes of an answer are enough to make one."""


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
    sections = [wire.section.value for wire in result.plan.ops]
    values = [
        (wire.key, _view(section, wire.before), _view(section, wire.after))
        for section, wire in zip(sections, result.plan.ops, strict=True)
    ]
    if why_not_storable(values):  # one look at all is cheaper than one at each
        for section, value in zip(sections, values, strict=True):
            _refuse_unstorable(section, value)
    return tuple(_op(wire, before, after) for wire, (_, before, after) in zip(result.plan.ops, values, strict=True))


def _op(wire: WireOp, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Op:
    section = wire.section.value
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


def _refuse_unstorable(section: str, value: Any) -> None:
    if problem := why_not_storable(value):
        raise errors.BadAnswer(f"WizChat's answer {problem}, in {section}: correct it in WizChat's dashboard")


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

    Raises:
        BadAnswer: The export holds what cannot be kept.
    """
    try:
        stated = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    except ValueError as error:
        # of what JSON can say, pydantic only refuses to write more levels than some 250
        raise errors.BadAnswer(f"WizChat's export {TOO_DEEP}: correct it in WizChat's dashboard") from error
    spec, omitted = stated["spec"], stated.get(OMITTED)
    body = {
        "apiVersion": "v1",
        "kind": "ChatbotConfig",
        "spec": {name: _section(name, spec[name]) for name in SECTIONS if name in spec},
    }
    return {**body, OMITTED: list(omitted)} if omitted else body


def _section(name: str, value: Any) -> Any:
    view = [contract_view(name, item) for item in value] if name in LIST_SECTIONS else contract_view(name, value)
    _refuse_unstorable(name, view)
    return view


def live_chatbots(listed: Sequence[PublicChatbot]) -> tuple[LiveChatbot, ...]:
    """The list, each chatbot once.

    Raises:
        BadAnswer: It names a chatbot that can be neither kept nor asked for, or more than `MAX_LISTED`.
    """
    if len(listed) > MAX_LISTED:
        raise errors.BadAnswer(
            f"WizChat's list names {len(listed)} chatbots and {MAX_LISTED} are the limit: make several keys, "
            "each for a part of them, and a tenant of each"
        )
    by_id: dict[str, LiveChatbot] = {}
    for index, chatbot in enumerate(listed):
        if not is_storable_id(chatbot.id):
            raise errors.BadAnswer(
                f"WizChat's list of chatbots holds an id at chatbots.{index} that cannot be one ({chatbot.id[:20]!a}): "
                "tell WizChat's support"
            )
        by_id.setdefault(chatbot.id, _live_chatbot(chatbot))
    return tuple(by_id.values())


def _live_chatbot(chatbot: PublicChatbot) -> LiveChatbot:
    return LiveChatbot(id=chatbot.id, name=bounded_name(chatbot.name) or None, updated_at=moment(chatbot.updatedAt))


def moment(text: str | None) -> datetime | None:
    """An API time in UTC; None when it is absent, cannot be read, or is none in UTC."""
    try:
        parsed = datetime.fromisoformat(text or "")
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def answer_of(result: ApplyResult) -> ApplyAnswer:
    """What a readable result of an apply says; one that cannot be kept says nothing, and is read back."""
    if result.dryRun:
        return ApplyUnclear("WizChat answered an apply as if it were a dry run")
    try:
        applied = tuple(item.model_dump(mode="json", exclude_none=True) for item in result.applied or ())
        failed = result.failed.model_dump(mode="json", exclude_none=True) if result.failed else None
    except ValueError:
        return ApplyUnclear(f"WizChat's answer {TOO_DEEP}")
    if problem := why_not_storable([applied, failed]):
        return ApplyUnclear(f"WizChat's answer {problem}")
    return ApplyAnswered(applied, failed)
