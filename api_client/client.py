"""The synchronous client."""

import random
import time
from collections.abc import Generator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from api_client import _wire
from api_client._retry import OnRetry, Retries
from api_client._transport import BaseTransport, Settings, SyncTransport, utc_now
from api_client.base_url import DEFAULT_BASE_URL
from api_client.errors import WizChatError
from api_client.models import ApplyResult, ChatbotConfigDocument, PublicChatbot

T = TypeVar("T")


class WizChatClient:
    """Calls the WizChat Management API and waits for the answer.

    Reads and dry runs are tried again after 429, 502, 503, 504 and lost connections. A real apply is sent once.
    One client may be used by many threads; close it, or use it in a `with` statement.

    Args:
        api_key: A Management API key (`wpk_live_…`). It is in no repr, message or log of this package.
        base_url: Origin of the API, for staging or self-hosting: scheme, host and port, without a path. Trailing
            slashes do not matter.
        transport: An `httpx.BaseTransport` to use instead of the network, such as `httpx.MockTransport` in tests. It
            is closed with the client, and then also carries real applies.
        timeout: Seconds for one request in all, from connecting to the last byte of the answer.
        max_retries: How often a read or dry run is tried again; 0 for never.
        backoff: Seconds of the first wait, which doubles from attempt to attempt up to 8 and is cut by chance to
            between half and all of that.
        max_retry_wait: Seconds that a retry may be put off. When the server asks for longer, the call gives up.
        max_answer_bytes: The largest answer that is read.
        on_retry: Called before each wait with the number of the failed attempt (from 1), the seconds that will be
            waited, and the error; what it raises ends the call.

    Raises:
        ValueError: An argument cannot work, such as an empty key, or a variable of the environment, such as NO_PROXY.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = DEFAULT_BASE_URL,
        *,
        transport: BaseTransport | None = None,
        timeout: float = 30.0,
        max_retries: int = 3,
        backoff: float = 0.5,
        max_retry_wait: float = 60.0,
        max_answer_bytes: int = _wire.DEFAULT_MAX_ANSWER_BYTES,
        on_retry: OnRetry | None = None,
    ) -> None:
        settings = Settings.checked(api_key, base_url, timeout, max_answer_bytes)
        self._retries = Retries(max_retries, backoff, max_retry_wait, utc_now, random.random, on_retry)
        self._transport = SyncTransport(settings, transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._transport.settings.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. A closed client makes no more calls."""
        self._transport.close()

    def list_chatbots(self) -> list[PublicChatbot]:
        """List all chatbots that the key may see.

        Needs the scope `chatbots:read`.

        Raises:
            WizChatApiError: The API refused.
            WizChatConnectionError: No complete answer came, after all retries.
            WizChatResponseError: The answer cannot be read.
        """
        return self._run(_wire.list_call())

    def get_chatbot(self, chatbot_id: str) -> PublicChatbot:
        """Read one chatbot.

        Needs the scope `chatbots:read`.

        Args:
            chatbot_id: The chatbot's id, quoted as one segment of the path.

        Raises:
            ValueError: The id is empty, `.` or `..`.
            WizChatApiError: The API refused; 404 `not_found` when there is no such chatbot.
            WizChatConnectionError: No complete answer came, after all retries.
            WizChatResponseError: The answer cannot be read.
        """
        return self._run(_wire.get_call(chatbot_id))

    def get_config(self, chatbot_id: str) -> ChatbotConfigDocument:
        """Export a chatbot's configuration as a document that can be edited and applied.

        Needs the scope `chatbots:read`; sections whose read scope the key lacks are left out of `spec` and named in
        `field_omittedSections`. Fields that this version does not know are kept, and sent back by `apply_config`.

        Args:
            chatbot_id: The chatbot's id, quoted as one segment of the path.

        Raises:
            ValueError: The id is empty, `.` or `..`.
            WizChatApiError: The API refused; 404 `not_found` when there is no such chatbot.
            WizChatConnectionError: No complete answer came, after all retries.
            WizChatResponseError: The answer cannot be read.
        """
        return self._run(_wire.config_call(chatbot_id))

    def apply_config(
        self,
        chatbot_id: str,
        document: ChatbotConfigDocument | Mapping[str, Any] | bytes,
        *,
        dry_run: bool = False,
        prune: bool | None = None,
    ) -> ApplyResult:
        """Bring a chatbot to the state of a document, or with `dry_run` only see the plan.

        A dry run needs the read scope of every section in the document, an apply the write scope. A real apply goes
        over a connection of its own and is never sent twice.

        Args:
            chatbot_id: The chatbot's id, quoted as one segment of the path.
            document: A model is sent without its null fields (free objects such as `core` keep theirs), a mapping as
                it is; `dryRun` and `_omittedSections` are left out of either, and neither is changed. Bytes are an
                encoded JSON body and sent exactly as they are; what is in them is the caller's duty.
            dry_run: Compute the plan and write nothing.
            prune: Overrides the document's `prune`. With true, the API's default, items of `mcpServers`, `skills`
                and `domains` that the document does not name are deleted.

        Returns:
            The result, also of an apply that stopped half-way (HTTP 422): then `failed` names the op.

        Raises:
            ValueError: The id is empty, `.` or `..`; `prune` is given with bytes; the document is not JSON.
            WizChatApiError: The API refused.
            WizChatConnectionError: A dry run got no complete answer, after all retries; or an apply provably never
                reached the server, because no connection could be made.
            WizChatResponseError: The answer to a dry run cannot be read.
            ApplyOutcomeUnknown: An apply may have reached the server, and no readable answer came.
        """
        return self._run(_wire.apply_call(chatbot_id, document, dry_run=dry_run, prune=prune))

    def dry_run_answer(
        self, chatbot_id: str, document: ChatbotConfigDocument | Mapping[str, Any] | bytes
    ) -> _wire.DryRunAnswer:
        """As `apply_config` with `dry_run`, for those who may know the answer already: it is read when they ask for it.

        Equal bytes mean an equal plan, and to hash them costs a fraction of reading them.

        Args:
            chatbot_id: The chatbot's id, quoted as one segment of the path.
            document: As for `apply_config`.

        Returns:
            The answer; its `result()` raises `WizChatResponseError` where it cannot be read.

        Raises:
            ValueError: The id is empty, `.` or `..`; the document is not JSON.
            WizChatApiError: The API refused.
            WizChatConnectionError: No complete answer came, after all retries.
        """
        return self._run(_wire.dry_run_call(chatbot_id, document))

    def _run(self, call: _wire.Call[T]) -> T:
        return self._drive(_wire.exchange(call, self._retries))

    def _drive(self, steps: Generator[_wire.Step, _wire.Outcome | None, T]) -> T:
        outcome: _wire.Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            outcome = self._do(step)

    def _do(self, step: _wire.Step) -> _wire.Outcome | None:
        match step:
            case _wire.Send(request):
                try:
                    return self._transport.send(request)
                except WizChatError as error:
                    return error
            case _wire.Read():
                return step.do()
            case _wire.Wait(seconds):
                time.sleep(seconds)
                return None
