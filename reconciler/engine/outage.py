"""Detects an outage during many calls to a tenant, so that the remaining calls are not made."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from reconciler.errors import (
    BadAnswer,
    QuotaExceeded,
    ScopeMissing,
    TargetError,
    TargetUnauthorized,
    TargetUnreachable,
)

_FOR_ALL: Final = (QuotaExceeded, TargetUnauthorized)
"""What is never about one chatbot alone."""

_PERHAPS_FOR_ALL: Final = (TargetUnreachable, BadAnswer)
"""What may be: the list of chatbots, which is about none of them, meets it as well or does not."""

_AFTER_THE_LIST: Final = (*_FOR_ALL, *_PERHAPS_FOR_ALL, ScopeMissing)
"""What is for all when the list failed just before."""


class Outage:
    """Whether WizChat is out of order, judged from the answers about one chatbot after the other.

    Args:
        list_chatbots: The call that is tried when an answer may be the one that all would get.
        list_failed: Whether that call was tried just before, and failed.

    Attributes:
        error: What every further call would meet; None while none is known to.
        is_answered: Whether a chatbot was answered for.
    """

    def __init__(self, list_chatbots: Callable[[], Awaitable[object]], *, list_failed: bool = False) -> None:
        self.error: TargetError | None = None
        self.is_answered = False
        self._list_chatbots = list_chatbots
        self._list_failed = list_failed
        self._is_suspected = list_failed
        self._list_may_be_checked = not list_failed
        self._turn = asyncio.Lock()

    async def note(self, answer: object) -> None:
        """Take account of an answer about one chatbot, or of its error."""
        self.is_answered = self.is_answered or not isinstance(answer, TargetError)
        if self._is_suspected:
            self._is_suspected = False
            if isinstance(answer, _AFTER_THE_LIST):
                self.error = answer
        elif isinstance(answer, _FOR_ALL):
            self.error = self.error or answer
        elif isinstance(answer, _PERHAPS_FOR_ALL):
            await self._check_list()
        elif not isinstance(answer, TargetError):
            self._list_may_be_checked = not self._list_failed

    async def _check_list(self) -> None:
        """Check whether the list fails as well: once, until a chatbot is answered for again."""
        async with self._turn:
            if self.error is not None or not self._list_may_be_checked:
                return
            self._list_may_be_checked = False
            try:
                await self._list_chatbots()
            except (*_FOR_ALL, *_PERHAPS_FOR_ALL) as error:
                self.error = error
            except TargetError:
                return  # concerns the list alone, such as a scope that the key lacks
