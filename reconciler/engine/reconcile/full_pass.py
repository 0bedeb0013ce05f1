"""What comparing every document of a source would take."""

from collections.abc import Collection
from typing import Final

from reconciler.domain.pass_forecast import PassForecast
from reconciler.engine.context import Engine
from reconciler.ports import Budget

_LIST_CALLS: Final = 1
"""A full pass over a source also asks for the list of chatbots."""


async def forecast_full_pass(engine: Engine, budget: Budget, sources: Collection[str]) -> PassForecast:
    """How long a full pass takes, and what it costs, as far as that is known by now.

    Args:
        engine: The ports.
        budget: A tenant's, as far as whoever asks may see it.
        sources: Those of its sources that are compared.
    """
    async with engine.store.read() as uow:
        calls = sum([await uow.comparisons.documents(source) + _LIST_CALLS for source in sources])
    return budget.forecast(calls)
