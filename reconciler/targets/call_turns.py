"""Gives the calls of a tenant their turns: in the order of the queue, at the pace of the pacer, so many at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from reconciler.errors import TargetRateLimited
from reconciler.ports import Clock, Spender
from reconciler.targets.call_queue import CallQueue, QueuedCall
from reconciler.targets.pacer import Pacer, SentCall
from reconciler.task_groups import task_group

SHORT_WAIT_S: Final = 0.02
"""A wait as short is slept through, whatever changes meanwhile: to be woken from it costs more than it lasts."""


class TurnTicket:
    """One caller who waits: what it was given in the end, and how it is woken."""

    def __init__(self) -> None:
        self.sent: SentCall | None = None
        self.refusal: TargetRateLimited | None = None
        self._woken: asyncio.Future[None] | None = None

    def result(self) -> SentCall | None:
        """The call that was sent, or None as long as its turn has not come.

        Raises:
            TargetRateLimited: It is not to be made.
        """
        if self.refusal is not None:
            raise self.refusal
        return self.sent

    async def until_woken(self) -> None:
        """Wait until something changed."""
        self._woken = asyncio.get_running_loop().create_future()
        try:
            await self._woken
        finally:
            self._woken = None

    def wake(self) -> None:
        """Have the caller see what changed."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class CallTurns:
    """The turns of a tenant's calls.

    No task of its own runs: of the callers who wait for time to pass, one sleeps for all.

    Args:
        clock: Where time comes from.
        pacer: When the next call may start.
        places: How many calls may be under way at once, without those that serve an apply.
        refuse: Raises a `TargetRateLimited` when nobody is to wait any longer.
        spend: Counts a call that is about to start, or raises a `TargetRateLimited` when its spender may make none.
    """

    def __init__(
        self,
        clock: Clock,
        pacer: Pacer,
        places: int,
        *,
        refuse: Callable[[], None],
        spend: Callable[[Spender], None],
    ) -> None:
        self._clock = clock
        self._pacer = pacer
        self._places = places
        self._refuse = refuse
        self._spend = spend
        self._under_way = 0
        self._queue: CallQueue[TurnTicket] = CallQueue()
        self._timekeeper: tuple[TurnTicket, float] | None = None

    @asynccontextmanager
    async def turn(self, spender: Spender) -> AsyncIterator[SentCall]:
        """Wait for a turn, and hold a place while the block runs.

        Raises:
            TargetRateLimited: No call is to be made.
        """
        sent = await self._begin(spender)
        try:
            yield sent
        finally:
            if not spender.purpose.serves_an_apply:
                self._under_way -= 1
            self._serve()

    def wake_all(self) -> None:
        """Have everybody who waits see that nobody is to wait any longer, or for how long."""
        for ticket in self._queue.callers():
            ticket.wake()

    async def _begin(self, spender: Spender) -> SentCall:
        ticket = TurnTicket()
        call = QueuedCall(spender, self._clock.monotonic(), ticket)
        self._queue.add(call)
        try:
            self._refuse()
            self._serve()
            while (sent := ticket.result()) is None:
                await self._wait(ticket)
                self._refuse()
                self._serve()
        except BaseException:
            self._queue.remove(call)
            if ticket.sent is not None and not spender.purpose.serves_an_apply:
                self._under_way -= 1
            self._serve()
            raise
        return sent

    async def _wait(self, ticket: TurnTicket) -> None:
        """Wait for a change; the first who waits for time to pass wakes itself by the clock, and is the timekeeper."""
        wait = self._pacer.delay(self._clock.monotonic())
        if self._timekeeper is not None or wait <= 0:
            await ticket.until_woken()
            return
        self._timekeeper = ticket, self._clock.monotonic() + wait
        try:
            await (self._clock.sleep(wait) if wait <= SHORT_WAIT_S else self._sleep_until_woken(ticket, wait))
        finally:
            self._timekeeper = None

    async def _sleep_until_woken(self, ticket: TurnTicket, seconds: float) -> None:
        async with task_group() as group:
            alarm = group.create_task(self._wake_after(ticket, seconds))
            await ticket.until_woken()
            alarm.cancel()

    async def _wake_after(self, ticket: TurnTicket, seconds: float) -> None:
        await self._clock.sleep(seconds)
        ticket.wake()

    def _serve(self) -> None:
        """Let everybody go who may, and have one of the others watch the clock."""
        now = self._clock.monotonic()
        while self._queue and self._pacer.delay(now) <= 0:
            call = self._queue.pop(now, is_place_free=self._under_way < self._places)
            if call is None:
                return
            self._let_go(call, now)
        first = self._queue.first()
        if first is None:
            return
        if self._timekeeper is None:
            first.caller.wake()
        elif now + self._pacer.delay(now) < self._timekeeper[1]:
            self._timekeeper[0].wake()

    def _let_go(self, call: QueuedCall[TurnTicket], now: float) -> None:
        try:
            self._spend(call.spender)
        except TargetRateLimited as refusal:
            call.caller.refusal = refusal
        else:
            call.caller.sent = self._pacer.take(now)
            if not call.spender.purpose.serves_an_apply:
                self._under_way += 1
        call.caller.wake()
