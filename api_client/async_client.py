"""The asynchronous client."""

import asyncio
import random
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from api_client import _wire
from api_client._retry import OnRetry, Retries
from api_client._transport import AsyncBaseTransport, AsyncTransport, Settings, utc_now
from api_client.base_url import DEFAULT_BASE_URL
from api_client.errors import WizChatError
from api_client.models import ApplyResult, ChatbotConfigDocument, PublicChatbot

T = TypeVar("T")

LARGE_ANSWER_BYTES: Final = 64 * 1024
"""A larger answer takes some milliseconds to read."""


class AsyncWizChatClient:
    """Calls the WizChat Management API from asyncio; the same surface and course of events as `WizChatClient`.

    One client belongs to one event loop and may be used by many tasks, at most 64 of which hold a connection at a
    time. Close it with `aclose()`, or use it in an `async with` statement. A cancelled real apply may or may not have
    taken effect, like one that ended in `ApplyOutcomeUnknown`.

    Args:
        api_key: A Management API key (`wpk_live_…`). It is in no repr, message or log of this package.
        base_url: Origin of the API, for staging or self-hosting: scheme, host and port, without a path. Trailing
            slashes do not matter.
        transport: An `httpx.AsyncBaseTransport` to use instead of the network, such as `httpx.MockTransport` in
            tests. It is closed with the client, and then also carries real applies.
        timeout: Seconds for one request in all, from connecting to the last byte of the answer.
        max_retries: How often a read or dry run is tried again; 0 for never.
        backoff: Seconds of the first wait, which doubles from attempt to attempt up to 8 and is cut by chance to
            between half and all of that.
        max_retry_wait: Seconds that a retry may be put off. When the server asks for longer, the call gives up.
        max_answer_bytes: The largest answer that is read.
        on_retry: A plain function, called before each wait with the number of the failed attempt (from 1), the
            seconds that will be waited, and the error; what it raises ends the call.

    Raises:
        ValueError: An argument cannot work, such as an empty key, or a variable of the environment, such as NO_PROXY.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = DEFAULT_BASE_URL,
        *,
        transport: AsyncBaseTransport | None = None,
        timeout: float = 30.0,
        max_retries: int = 3,
        backoff: float = 0.5,
        max_retry_wait: float = 60.0,
        max_answer_bytes: int = _wire.DEFAULT_MAX_ANSWER_BYTES,
        on_retry: OnRetry | None = None,
    ) -> None:
        settings = Settings.checked(api_key, base_url, timeout, max_answer_bytes)
        self._retries = Retries(max_retries, backoff, max_retry_wait, utc_now, random.random, on_retry)
        self._transport = AsyncTransport(settings, transport)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="wizchat-answers")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._transport.settings.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections. A closed client makes no more calls."""
        self._reader.shutdown(wait=False)
        await self._transport.aclose()

    async def list_chatbots(self) -> list[PublicChatbot]:
        """List all chatbots that the key may see; see `WizChatClient.list_chatbots`."""
        return await self._run(_wire.list_call())

    async def get_chatbot(self, chatbot_id: str) -> PublicChatbot:
        """Read one chatbot; see `WizChatClient.get_chatbot`."""
        return await self._run(_wire.get_call(chatbot_id))

    async def get_config(self, chatbot_id: str) -> ChatbotConfigDocument:
        """Export a chatbot's configuration; see `WizChatClient.get_config`."""
        return await self._run(_wire.config_call(chatbot_id))

    async def apply_config(
        self,
        chatbot_id: str,
        document: ChatbotConfigDocument | Mapping[str, Any] | bytes,
        *,
        dry_run: bool = False,
        prune: bool | None = None,
    ) -> ApplyResult:
        """Apply or dry-run a document; see `WizChatClient.apply_config` for arguments, result and errors."""
        return await self._run(_wire.apply_call(chatbot_id, document, dry_run=dry_run, prune=prune))

    async def dry_run_answer(
        self, chatbot_id: str, document: ChatbotConfigDocument | Mapping[str, Any] | bytes
    ) -> _wire.DryRunAnswer:
        """Dry-run a document, and read the answer later; see `WizChatClient.dry_run_answer`."""
        return await self._run(_wire.dry_run_call(chatbot_id, document))

    async def _run(self, call: _wire.Call[T]) -> T:
        return await self._drive(_wire.exchange(call, self._retries))

    async def _drive(self, steps: Generator[_wire.Step, _wire.Outcome | None, T]) -> T:
        outcome: _wire.Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            outcome = await self._do(step)

    async def _read(self, step: _wire.Read[Any]) -> _wire.Outcome:
        """Read an answer, a large one in a thread: other tasks of the event loop must not wait for it."""
        if step.size <= LARGE_ANSWER_BYTES:
            return step.do()
        return await asyncio.get_running_loop().run_in_executor(self._reader, step.do)

    async def _do(self, step: _wire.Step) -> _wire.Outcome | None:
        match step:
            case _wire.Send(request):
                try:
                    return await self._transport.send(request)
                except WizChatError as error:
                    return error
            case _wire.Read():
                return await self._read(step)
            case _wire.Wait(seconds):
                await asyncio.sleep(seconds)
                return None
