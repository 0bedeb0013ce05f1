"""The live side of a run: what there is at WizChat, dry runs of what may differ, and what that says of the tenant."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.domain.records import Chatbot, GoodDocument, Run
from reconciler.domain.tenant import Sign, TenantRecord, TenantState
from reconciler.engine.context import Engine, SourceBinding, TenantBinding
from reconciler.engine.observing import fault_of
from reconciler.engine.roster import call_the_roll
from reconciler.engine.sweeping import SweepCounts, sweep
from reconciler.engine.tenants import ANSWERED, note_pass, sign_of_dry_run, sign_of_list
from reconciler.errors import RequestRefused, TargetError, TargetRateLimited


@dataclass(slots=True)
class Comparison:
    """What a run learned of the live side.

    Attributes:
        swept: What its dry runs gave.
        skipped: How many documents needed none.
        list_failure: Why the list of chatbots could not be read, or None.
        messages: What the run has to say about it.
        failed: Whether nothing could be compared that was to be, for a reason that is not in the documents.
    """

    swept: SweepCounts = field(default_factory=SweepCounts)
    skipped: int = 0
    list_failure: TargetError | None = None
    messages: list[str] = field(default_factory=list)
    failed: bool = False


async def compare(engine: Engine, binding: SourceBinding, run: Run, documents: Sequence[GoodDocument]) -> Comparison:
    """Compare the documents of a source with the live side, and write down what that shows.

    Args:
        engine: The ports.
        binding: The source.
        run: The run that does it; a full one compares every document.
        documents: The claims of the last good revision.
    """
    tenant, cause = engine.tenants[binding.tenant], f"run/{run.id}"
    async with engine.store.read() as uow:
        chatbots = {chatbot.id: chatbot for chatbot in await uow.chatbots.of_source(binding.name)}
        record = await uow.tenants.get(tenant.name) or TenantRecord(name=tenant.name)
    wanted = [document for document in documents if _is_wanted(document, chatbots.get(document.chatbot_id), run)]
    done = Comparison(skipped=len(documents) - len(wanted))
    listed = None
    if run.full or record.state is not TenantState.READY or _has_fault(wanted, chatbots):
        listed = await _list(engine, tenant, cause, done)
    is_doubtful = listed is not None and listed.state not in {None, TenantState.READY}
    done.swept = await sweep(engine, tenant, wanted, chatbots, cause=cause, is_doubtful=is_doubtful)
    record = await _note(engine, tenant, listed, done.swept, {document.chatbot_id for document in wanted})
    _conclude(done, run, len(wanted), record)
    return done


def _is_wanted(document: GoodDocument, chatbot: Chatbot | None, run: Run) -> bool:
    if document.body is None or chatbot is None:
        return False
    return run.full or chatbot.checked_digest != document.digest


def _has_fault(wanted: Sequence[GoodDocument], chatbots: Mapping[str, Chatbot]) -> bool:
    """Whether the list is needed to tell a chatbot's failure from its tenant's."""
    return any(chatbots[document.chatbot_id].fault is not None for document in wanted)


async def _list(engine: Engine, tenant: TenantBinding, cause: str, done: Comparison) -> Sign:
    try:
        await call_the_roll(engine, tenant, cause)
    except TargetError as error:
        done.list_failure = error
        done.messages.append(f"the list of chatbots could not be read: {error}")
        return sign_of_list(error)
    return ANSWERED


async def _note(
    engine: Engine, tenant: TenantBinding, listed: Sign | None, swept: SweepCounts, asked: Collection[str]
) -> TenantRecord:
    signs = [*(sign_of_dry_run(error) for error in swept.failures), *([ANSWERED] if swept.compared else [])]
    return await note_pass(engine, tenant.name, listed, signs, asked)


def _conclude(done: Comparison, run: Run, wanted: int, tenant: TenantRecord) -> None:
    """Say what could not be compared; where that is everything, the run is none."""
    swept = done.swept
    if swept.failures:
        done.messages.append(_shortfall(swept, wanted))
    if swept.compared or any(isinstance(error, RequestRefused) for error in swept.failures):
        return
    # where the rest was compared before, a few that fail by themselves are no reason to doubt the run
    put_off = any(isinstance(error, TargetRateLimited) for error in swept.failures)
    concerns_all = run.full or not done.skipped or put_off or tenant.state is not TenantState.READY
    done.failed = bool(swept.failures and concerns_all) or (run.full and done.list_failure is not None)


def _shortfall(swept: SweepCounts, wanted: int) -> str:
    counts = Counter(fault_of(error) for error in swept.failures)
    most, _ = counts.most_common(1)[0]
    first = next(error for error in swept.failures if fault_of(error) is most)
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    return f"{len(swept.failures)} of {wanted} chatbots could not be compared ({reasons}): {first}"
