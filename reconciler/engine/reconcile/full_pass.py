"""Forecasts what comparing every document of a source takes."""

from collections.abc import Collection, Iterable, Mapping
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
        budget: A tenant's, as far as the reader may see it.
        sources: Those of its sources that are compared.
    """
    return forecast_of_documents(budget, (await documents_of(engine, sources)).values())


async def documents_of(engine: Engine, sources: Collection[str]) -> Mapping[str, int]:
    """Source → how many documents a full pass compares."""
    async with engine.store.read() as uow:
        return {source: await uow.documents.count(source) for source in sources}


def forecast_of_documents(budget: Budget, documents: Iterable[int]) -> PassForecast:
    """The same as `forecast_full_pass`, where it is known how many documents each source has."""
    return budget.forecast(sum(count + _LIST_CALLS for count in documents))
