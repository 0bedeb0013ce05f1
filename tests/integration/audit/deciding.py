"""Entries for a log."""

from reconciler.storage import Store


async def decide(store: Store, times: int = 1) -> None:
    """Have a person decide, so many times in one transaction."""
    async with store.begin() as uow:
        for _ in range(times):
            await uow.audit.append(at=await uow.now(), actor="ana", action="plan.approve", subject="plan/1")
