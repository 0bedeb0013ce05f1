"""What is stored of answers, lost as by somebody who makes room."""

from sqlalchemy import update

from reconciler.storage import Store, tables


async def forget_answers(store: Store) -> None:
    """Forget what dry runs were answered."""
    async with store.begin() as uow:
        await uow.comparisons._transaction.write(update(tables.chatbots).values(answer_digest=None))
