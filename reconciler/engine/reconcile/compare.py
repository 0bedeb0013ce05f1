"""Compares a source with the live side: inventory, drift scan, and what both say of the tenant."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.domain.comparisons import Comparison
from reconciler.domain.entities import Chatbot, Run, Trigger
from reconciler.domain.missing_chatbots import is_due
from reconciler.domain.status import Reason
from reconciler.domain.tenant import TenantRecord, TenantSignal, TenantState
from reconciler.engine.context import Engine, SourceBinding, TenantBinding
from reconciler.engine.reconcile.diff import fault_of
from reconciler.engine.reconcile.drift_scan import NotFoundMeaning, ScanResult, scan_for_drift
from reconciler.engine.reconcile.inventory import refresh_inventory
from reconciler.engine.tenant_state import (
    ANSWERED,
    explained,
    record_run_signals,
    signal_from_dry_run,
    signal_from_list,
    signal_from_listed_ids,
)
from reconciler.errors import AnotherAccount, ChatbotNotFound, RequestRefused, TargetError, TargetRateLimited
from reconciler.ports import Purpose, Spender, Target

MAX_MISSING_ASKED = 4
"""So many chatbots that the list does not name are asked for in a run: a commit may name any number of them."""

PAGE_SIZE: Final = 100
"""Documents that are read at once: the next page is there before the workers are through with the one before."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What WizChat's list of chatbots told; nothing, where it was not asked for.

    Attributes:
        signal: What it says of the tenant.
        ids: The chatbots that it names; None where it was not read.
        failure: Why it could not be read.
    """

    signal: TenantSignal | None = None
    ids: frozenset[str] | None = None
    failure: TargetError | None = None

    @property
    def doubt(self) -> str | None:
        """Why the tenant's WizChat cannot be used, as far as the list tells."""
        if self.signal is None or self.signal.state in {None, TenantState.READY}:
            return None
        return str(self.signal.cause)

    @property
    def stranger(self) -> AnotherAccount | None:
        """The error of every chatbot, where the list is that of another account."""
        return AnotherAccount(self.doubt) if self.doubt is not None and self.ids is not None else None


@dataclass(frozen=True, slots=True)
class LiveComparison:
    """What a run learned of the live side.

    Attributes:
        scan: What its dry runs gave.
        skipped: How many documents needed none.
        list_failure: Why the list of chatbots could not be read, or None.
        messages: What the run has to say about it.
        failed: Whether nothing could be compared that was to be, for a reason that is not in the documents.
    """

    scan: ScanResult = field(default_factory=ScanResult)
    skipped: int = 0
    list_failure: TargetError | None = None
    messages: tuple[str, ...] = ()
    failed: bool = False


async def compare_live_side(engine: Engine, binding: SourceBinding, run: Run) -> LiveComparison:
    """Compare the documents of a source with the live side, and write down what that shows.

    What is to be compared is read from the database page by page: the claims of the last good revision whose chatbots
    follow the source.

    Args:
        engine: The ports.
        binding: The source.
        run: The run that does it; a full one compares every document.
    """
    tenant, cause = engine.tenants[binding.tenant], f"run/{run.id}"
    async with engine.store.read() as uow:
        record = await uow.tenants.get(tenant.name) or TenantRecord(name=tenant.name)
        documents = await uow.comparisons.documents(binding.name)
        needs_list = (
            run.full
            or record.state is not TenantState.READY
            # to tell a chatbot's failure from its tenant's
            or await uow.comparisons.has_faults(binding.name, full=run.full)
        )
    purpose = Purpose.FULL_SWEEP if run.full else Purpose.CHANGE
    target = tenant.target.spending(Spender(purpose, binding.name))
    inventory = await _read_inventory(engine, tenant, target, cause) if needs_list else Inventory()
    scan = await scan_for_drift(
        engine,
        tenant,
        _pages(engine, binding.name, run),
        target=target,
        missing=await _missing(engine, binding, inventory.ids, run) if inventory.stranger is None else {},
        cause=cause,
        is_doubtful=inventory.doubt is not None,
        not_found=_not_found(engine, tenant.name, inventory),
    )
    record = await _record_tenant_signals(engine, tenant, inventory.signal, scan)
    skipped = max(0, documents - scan.observed)
    return LiveComparison(
        scan=scan,
        skipped=skipped,
        list_failure=inventory.failure,
        messages=tuple(_messages(inventory, scan)),
        failed=_has_failed(inventory, scan, record, run, skipped),
    )


async def _pages(engine: Engine, source: str, run: Run) -> AsyncIterator[Sequence[Comparison]]:
    """What a run compares, in the order of the chatbots' ids."""
    after = ""
    while True:
        async with engine.store.read() as uow:
            page = await uow.comparisons.page(source, full=run.full, after=after, limit=PAGE_SIZE)
        if not page:
            return
        yield page
        after = page[-1].document.chatbot_id


def _not_found(engine: Engine, tenant: str, inventory: Inventory) -> NotFoundMeaning:
    """What it means that a chatbot is not found: no plan falls, and no document is blamed, for a wrong key."""

    async def meaning(error: TargetError) -> TargetError:
        if inventory.stranger is not None:
            return inventory.stranger
        return error if inventory.signal is not None else await explained(engine, tenant, error)

    return meaning


async def _missing(
    engine: Engine, binding: SourceBinding, named: Collection[str] | None, run: Run
) -> dict[str, TargetError]:
    """Of the chatbots that the list does not name, those that are not asked for now.

    A chatbot that was compared before is asked for all the same: the list may be narrower than the key. Of the others,
    the few that were not asked for longest are, at a person's wish at once.
    """
    async with engine.store.read() as uow:
        now = await uow.now()
        unheard = await uow.comparisons.with_faults(binding.name, [Reason.CHATBOT_MISSING, Reason.NOT_CHECKED])
        unnamed = [chatbot_id for chatbot_id in unheard if named is None or chatbot_id not in named]
        found = (await uow.chatbots.some(binding.tenant, unnamed)).values() if unnamed else ()
    absent = [chatbot for chatbot in found if _is_absent(chatbot, named)]
    due = [
        chatbot
        for chatbot in absent
        if (run.trigger is Trigger.MANUAL and chatbot.missing_since is not None)
        or is_due(chatbot.missing_since, chatbot.missing_asked_at, now)
    ]
    due.sort(key=lambda chatbot: chatbot.missing_asked_at or chatbot.missing_since or now)
    asked = {chatbot.id for chatbot in due[:MAX_MISSING_ASKED]}
    return {chatbot.id: _not_listed(chatbot) for chatbot in absent if chatbot.id not in asked}


def _is_absent(chatbot: Chatbot, named: Collection[str] | None) -> bool:
    """Whether nothing but its document speaks for a chatbot; without a list, what was found missing still is."""
    if named is None:
        return chatbot.fault is Reason.CHATBOT_MISSING
    return chatbot.id not in named and chatbot.fault in {Reason.CHATBOT_MISSING, Reason.NOT_CHECKED}


def _not_listed(chatbot: Chatbot) -> ChatbotNotFound:
    """What is known of it already, by an answer of its own, or by the list alone."""
    if chatbot.fault is Reason.CHATBOT_MISSING and chatbot.fault_message:
        return ChatbotNotFound(chatbot.fault_message)
    return ChatbotNotFound(
        f"the chatbot {chatbot.id} is not in WizChat's list: correct metadata.chatbotId, or add the chatbot to the key "
        f"of tenant {chatbot.tenant}"
    )


async def _read_inventory(engine: Engine, tenant: TenantBinding, target: Target, cause: str) -> Inventory:
    try:
        ids = await refresh_inventory(engine, tenant, target, cause)
    except TargetError as error:
        return Inventory(signal_from_list(error), failure=error)
    return Inventory(await signal_from_listed_ids(engine, tenant.name, ids), ids)


async def _record_tenant_signals(
    engine: Engine, tenant: TenantBinding, listed: TenantSignal | None, scan: ScanResult
) -> TenantRecord:
    strangers = (signal_from_dry_run(error) for error in scan.errors if isinstance(error, AnotherAccount))
    # the list was read for it, which tells of the chatbots that were not asked for as well
    listed = listed or next(strangers, None)
    signals = [*(signal_from_dry_run(error) for error in scan.errors), *([ANSWERED] if scan.compared else [])]
    return await record_run_signals(engine, tenant.name, listed, signals)


def _messages(inventory: Inventory, scan: ScanResult) -> Iterator[str]:
    """What could not be read, and what not be compared."""
    if inventory.failure is not None:
        yield f"the list of chatbots could not be read: {inventory.failure}"
    if scan.failures:
        yield _shortfall(scan)
    is_explained = inventory.failure is not None or any(isinstance(error, AnotherAccount) for error in scan.errors)
    if inventory.doubt is not None and _is_without_result(scan) and not is_explained:
        yield inventory.doubt


def _has_failed(inventory: Inventory, scan: ScanResult, tenant: TenantRecord, run: Run, skipped: int) -> bool:
    """Whether nothing of what was to be compared could be, so that the run is none."""
    if not _is_without_result(scan):
        return False
    # where the rest was compared before, a few that fail by themselves are no reason to doubt the run
    put_off = any(isinstance(error, TargetRateLimited) for error in scan.errors)
    concerns_all = run.full or not skipped or put_off or tenant.state is not TenantState.READY
    # a chatbot that is not there is its document's matter, unlike one that the key may not use
    of_wizchat = any(type(error) is not ChatbotNotFound for error in scan.errors)
    return (of_wizchat and concerns_all) or (
        run.full and (inventory.doubt is not None or inventory.failure is not None)
    )


def _is_without_result(scan: ScanResult) -> bool:
    """Whether no document was compared, and none refused by the API, which is an answer as well."""
    return not scan.compared and not any(isinstance(error, RequestRefused) for error in scan.errors)


def _shortfall(scan: ScanResult) -> str:
    counts = Counter(fault_of(error) for error in scan.errors)
    most, _ = counts.most_common(1)[0]
    first = next(error for error in scan.errors if fault_of(error) is most)
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    return f"{len(scan.failures)} of {scan.observed} chatbots could not be compared ({reasons}): {first}"
