"""Which plans, chatbots, sources and suspensions a person may see."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from reconciler.domain.entities import Chatbot, Plan, SourceRecord
from reconciler.domain.suspensions import ScopeKind, Suspension, shown_source, suspended_sources
from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotFound, NotKept
from reconciler.web.http.problems import Code, Problem


async def visible_plan(engine: Engine, actor: Actor, plan_id: str) -> Plan:
    """A plan that the person may see.

    Raises:
        NotFound: When there is none.
    """
    plan = await engine.store.queries.plan(plan_id)
    if plan is None or not actor.sees(plan.source):
        raise NotKept("plan", plan_id)
    return plan


def check_source(engine: Engine, actor: Actor, name: str) -> None:
    """Refuse a source that is not configured, or that the person may not see.

    Raises:
        NotFound: In both cases, so that nobody can tell them apart.
    """
    if name not in engine.sources or not actor.sees(name):
        raise NotFound(f"there is no source {name!r}")


async def visible_chatbot(engine: Engine, actor: Actor, chatbot_id: str, tenant: str | None) -> Chatbot:
    """A chatbot that the person may see.

    Raises:
        NotFound: When there is none.
        Problem: When several tenants have it, and none is named.
    """
    chatbots = await engine.store.queries.chatbots_with([chatbot_id])
    visible = [item for item in chatbots if actor.sees(item.source) and tenant in (None, item.tenant)]
    match visible:
        case []:
            raise NotFound(f"there is no chatbot {chatbot_id!r}")
        case [chatbot]:
            return chatbot
        case _:
            tenants = sorted(item.tenant for item in visible)
            detail = f"say which with ?tenant=: {', '.join(tenants)}"
            raise Problem(Code.AMBIGUOUS_CHATBOT, detail, tenants=tenants)


async def chatbot_names(engine: Engine, plans: Sequence[Plan]) -> Mapping[str, str]:
    """Plan id → the name of its chatbot, where that is known.

    The name that another source gives a chatbot is left out: a reader of the plan may not see that source.
    """
    chatbots = await engine.store.queries.chatbots_with({plan.chatbot_id for plan in plans})
    names = {(item.tenant, item.id, item.source): item.name for item in chatbots if item.name}
    keys = {plan.id: (plan.tenant, plan.chatbot_id, plan.source) for plan in plans}
    return {plan_id: names[key] for plan_id, key in keys.items() if key in names}


async def suspensions_of(engine: Engine, records: Iterable[Chatbot | Plan]) -> Mapping[str, Suspension]:
    """The suspensions that stop these chatbots or plans, by their ids."""
    ids = {record.suspension_id for record in records if record.suspension_id is not None}
    return await engine.store.queries.suspensions_with(ids) if ids else {}


async def standing_suspensions(engine: Engine, visible: Collection[str] | None = None) -> Sequence[Suspension]:
    """What is stopped now, newest first; of limited visibility, what stops anything of these sources."""
    return await visible_suspensions(engine, visible, await active_suspensions(engine))


async def active_suspensions(engine: Engine) -> Sequence[Suspension]:
    """The active suspensions, newest first."""
    now = engine.clock.now()
    return [suspension for suspension in await engine.store.queries.suspensions() if suspension.is_active(now)]


async def visible_suspensions(
    engine: Engine, visible: Collection[str] | None, suspensions: Sequence[Suspension]
) -> Sequence[Suspension]:
    """Of these suspensions, those that stop anything of the visible sources; None means all."""
    if visible is None:
        return suspensions
    chatbot_ids = [suspension.subject for suspension in suspensions if suspension.kind is ScopeKind.CHATBOT]
    chatbots = await engine.store.queries.chatbots_with(chatbot_ids) if chatbot_ids else ()
    subjects = {
        ScopeKind.ALL: {suspension.subject for suspension in suspensions},
        ScopeKind.SOURCE: set(visible),
        ScopeKind.TENANT: {source.tenant for source in engine.sources.values() if source.name in visible},
        ScopeKind.CHATBOT: {chatbot.id for chatbot in chatbots if chatbot.source in visible},
    }
    return [suspension for suspension in suspensions if suspension.subject in subjects[suspension.kind]]


async def all_sources(
    engine: Engine, visible: Collection[str] | None = None
) -> Sequence[tuple[SourceRecord, Suspension | None]]:
    """Every source by name as people are shown it, and what stops the applies of all of it.

    Those are included that are configured but were not looked at yet.
    """
    records = await visible_sources(engine, visible)
    stopped = suspended_sources(records, await active_suspensions(engine))
    return [(shown_source(record, stop), stop) for record in records for stop in (stopped.get(record.name),)]


async def visible_sources(engine: Engine, visible: Collection[str] | None) -> Sequence[SourceRecord]:
    """The sources that may be seen, by name; those that were never read as the settings have them."""
    return visible_among(engine, await engine.store.queries.sources(), visible)


def visible_among(
    engine: Engine, stored: Iterable[SourceRecord], visible: Collection[str] | None
) -> Sequence[SourceRecord]:
    """The same, where the sources were read already."""
    records = {record.name: record for record in stored}
    not_stored = (binding for name, binding in engine.sources.items() if name not in records)
    records |= {
        binding.name: SourceRecord(name=binding.name, tenant=binding.tenant, url=binding.url, branch=binding.branch)
        for binding in not_stored
    }
    return [record for name, record in sorted(records.items()) if visible is None or name in visible]
