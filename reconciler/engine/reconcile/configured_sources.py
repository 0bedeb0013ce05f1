"""Brings the sources in the database in step with the settings when the service starts.

A source is the same one under another name as long as it names the same repository, branch and tenant. What is no
longer configured claims nothing, until it comes back or is forgotten.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.domain.entities import RunStatus, SourceRecord
from reconciler.domain.git_urls import same_repository
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs
from reconciler.engine.context import PROGRAM, Engine, SourceBinding
from reconciler.engine.forget import is_gone
from reconciler.engine.reconcile.claims import claim_unowned, release, without_agreement
from reconciler.engine.reconcile.promote import mark_source_unknown
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.storage import UnitOfWork

log = logging.getLogger(__name__)

_SAME, _SAME_RESPELLED, _PERHAPS_SAME, _ANOTHER = range(4)
_ALIKE: Final = (_SAME, _SAME_RESPELLED, _PERHAPS_SAME)


async def configure_sources(engine: Engine, uow: UnitOfWork) -> None:
    """Know the configured sources as they are named now, and have the others let go of their chatbots."""
    await _rename(engine, uow)
    records = {record.name: record for record in await uow.sources.all()}
    for binding in engine.sources.values():
        record = records.get(binding.name)
        if record is None:
            await uow.sources.add(await _new_record(uow, binding))
            await _audit_configured(uow, binding, None)
        elif _match_of(record, binding) == _ANOTHER:
            await _start_over(engine, uow, binding, record)
        else:
            await _update_record(engine, uow, binding, record)
    for record in records.values():
        if record.name not in engine.sources:
            await _deconfigure(engine, uow, record)
    inputs = await ConditionInputs.read(uow)
    for name in engine.sources:
        # of several claims to a released chatbot, that of the source named first wins
        await claim_unowned(engine, uow, inputs, name, every=True)


def new_names(records: Collection[SourceRecord], bindings: Mapping[str, SourceBinding]) -> Mapping[str, str]:
    """Which known sources are configured under another name now: old name → new name.

    Sources that cannot be told apart, such as two of one branch with different paths, are left out, and so are those
    whose new name was a source that names another repository now: each of these begins anew.
    """
    gone = [record for record in records if not _is_kept(record, bindings)]
    kept = {record.name for record in records} - {record.name for record in gone}
    candidates = {name: _candidates_for(gone, binding) for name, binding in bindings.items() if name not in kept}
    claims = Counter(old for found in candidates.values() for old in found)
    names = {found[0]: new for new, found in candidates.items() if len(found) == 1 and claims[found[0]] == 1}
    while blocked := _blocked(records, names):
        names = {old: new for old, new in names.items() if old not in blocked}
    return names


def _candidates_for(records: Collection[SourceRecord], binding: SourceBinding) -> Sequence[str]:
    """The sources that the binding may be; those that are most like it, where several are."""
    found = ([record.name for record in records if _match_of(record, binding) == match] for match in _ALIKE)
    return next(filter(None, found), ())


def _blocked(records: Collection[SourceRecord], names: Mapping[str, str]) -> Collection[str]:
    """The renamed sources whose new name another one has, and keeps."""
    staying = {record.name for record in records} - names.keys()
    return {old for old, new in names.items() if new in staying}


def _is_kept(record: SourceRecord, bindings: Mapping[str, SourceBinding]) -> bool:
    binding = bindings.get(record.name)
    return binding is not None and _match_of(record, binding) != _ANOTHER


def _match_of(record: SourceRecord, binding: SourceBinding) -> int:
    """Whether a source as it was last seen is what the settings name; without a branch it is the remote's HEAD."""
    if record.tenant != binding.tenant or not same_repository(record.url, binding.url):
        return _ANOTHER
    if record.branch == binding.branch:
        return _SAME if record.url == binding.url else _SAME_RESPELLED
    return _PERHAPS_SAME if None in (record.branch, binding.branch) else _ANOTHER


async def _rename(engine: Engine, uow: UnitOfWork) -> None:
    names = new_names(await uow.sources.all(), engine.sources)
    if not names:
        return
    await uow.sources.rename(names)
    tokens = [token for token in await uow.tokens.all() if token.sources and names.keys() & set(token.sources)]
    for token in tokens:
        renamed = tuple(names.get(name, name) for name in token.sources or ())
        await uow.tokens.save(replace(token, sources=renamed))
    for old, new in names.items():
        limited = [token.id for token in tokens if old in (token.sources or ())]
        await audit(uow, PROGRAM, "source.rename", f"source/{new}", detail={"before": old, "tokens": limited})
        log.warning("source has another name", extra={"source": new, "before": old})


async def _start_over(engine: Engine, uow: UnitOfWork, binding: SourceBinding, record: SourceRecord) -> None:
    """A source that names another repository, branch or tenant agrees with nothing yet.

    Its chatbots are not applied automatically until they were in sync once more; those of another tenant it lets go.
    """
    await uow.sources.save(replace(await _new_record(uow, binding), version=record.version))
    await _audit_configured(uow, binding, record)
    if record.tenant != binding.tenant:
        claims = await uow.documents.outlines(binding.name)
        await uow.documents.give_up(binding.name)
        await release(engine, uow, await ConditionInputs.read(uow), binding.name, claims)
    for chatbot in await uow.chatbots.of_source(binding.name):
        await uow.chatbots.save(without_agreement(chatbot))


async def _update_record(engine: Engine, uow: UnitOfWork, binding: SourceBinding, before: SourceRecord) -> None:
    """A source that is known already, perhaps spelled otherwise, or not configured for a while."""
    record = before
    if (record.url, record.branch) != (binding.url, binding.branch):
        # what is there now has to descend from the good revision, or is not trusted
        record = await uow.sources.save(replace(record, url=binding.url, branch=binding.branch))
        await _audit_configured(uow, binding, before)
    if is_gone(record):
        # at once, and not when it is read: what is configured can no longer be forgotten
        message = f"the source {record.name} is configured again, and was not read since"
        await mark_source_unknown(engine, uow, record, SourceUnreadable(SourceCause.NOT_READ_YET, message))


async def _deconfigure(engine: Engine, uow: UnitOfWork, record: SourceRecord) -> None:
    """What is no longer configured is not read any more: its chatbots say so, and a run that waits never begins."""
    gone = SourceUnreadable(
        SourceCause.NOT_CONFIGURED,
        f"the source {record.name} is no longer configured: add it to [[sources]] again, or forget it with "
        f"`reconciler source forget {record.name}`",
    )
    # it is not read any more, whenever that was due
    await mark_source_unknown(engine, uow, replace(record, next_run_at=None), gone)
    run = await uow.runs.queued(record.name)
    if run is not None:
        ended = replace(run, status=RunStatus.FAILED, finished_at=await uow.now(), message=f"{gone.cause}: {gone}")
        await uow.runs.save(ended)


async def _audit_configured(uow: UnitOfWork, binding: SourceBinding, before: SourceRecord | None) -> None:
    """A source that names another repository decides about chatbots as much as a person does."""
    detail = {
        "url": binding.url,
        "branch": binding.branch,
        "tenant": binding.tenant,
        "before": {"url": before.url, "branch": before.branch, "tenant": before.tenant} if before else None,
    }
    await audit(uow, PROGRAM, "source.configure", f"source/{binding.name}", detail=detail)


async def _new_record(uow: UnitOfWork, binding: SourceBinding) -> SourceRecord:
    return SourceRecord(
        name=binding.name,
        tenant=binding.tenant,
        url=binding.url,
        branch=binding.branch,
        configured_at=await uow.now(),
    )
