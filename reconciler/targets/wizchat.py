"""One tenant's side of WizChat, over the SDK: reading and dry runs by one class, applies by another.

They are separate so that what only looks never holds a key that can write.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from api_client import AsyncWizChatClient
from api_client.errors import WizChatError
from reconciler.domain.apply_answers import ApplyAnswer, ApplyRefused, ApplyUnclear, NotSent
from reconciler.domain.canonical import EncodedBody
from reconciler.domain.plan import Op
from reconciler.domain.policy import APPLY_DEADLINE
from reconciler.errors import RequestRefused, SettingsError, TargetError, TargetRateLimited
from reconciler.executors import NamedExecutor
from reconciler.ports import COMPARING, Budget, DryRunAnswer, LiveChatbot, Spender
from reconciler.targets import error_translation, translation
from reconciler.targets.budget import CallBudget

CALL_TIMEOUT_S = 30.0
_KEY_ID_DIGITS = 12

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """Where a tenant's API is, and a key for it.

    Attributes:
        tenant: The tenant's name, for messages.
        base_url: Its API.
        api_key: The read key for a `WizChatTarget`, the write key for a `WizChatWriter`.
    """

    tenant: str
    base_url: str
    api_key: str = field(repr=False)


class WizChatTarget:
    """Implements `ports.Target`. Close it, or use it as an async context manager.

    Args:
        access: Where the API is, with the read key.
        budget: The tenant's call budget.
        timeout_s: How long one attempt of a call may take.
        threads: Where large bodies and answers are gone through; whoever gives them also closes them.

    Raises:
        SettingsError: The base URL or the key cannot be used.
    """

    def __init__(
        self,
        access: Access,
        budget: CallBudget,
        *,
        timeout_s: float = CALL_TIMEOUT_S,
        threads: NamedExecutor | None = None,
    ) -> None:
        self._tenant = access.tenant
        self._budget = budget
        self._spender = COMPARING
        self._threads = threads or NamedExecutor("answers")
        self._closes_threads = threads is None
        self._client = _client(access, timeout=timeout_s, on_retry=budget.retried)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._closes_threads:
            await self._threads.close()
        await self._client.aclose()

    def budget(self) -> Budget:
        """What is left of the tenant's call budget."""
        return self._budget.view()

    def spending(self, spender: Spender) -> "WizChatTarget":
        """The same over the same connections, with its calls counted as made for somebody."""
        other = copy(self)
        other._spender = spender  # noqa: SLF001  one of its own kind
        return other

    async def chatbots(self) -> Sequence[LiveChatbot]:
        """Every chatbot that the key may see."""
        return translation.live_chatbots(await self._make(self._client.list_chatbots))

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        """Every op that an apply of the body would do now, noops included, in the API's order."""
        try:
            # as an apply sends it, byte for byte
            encoded = await self._threads.compute(lambda: EncodedBody.of(body), body)
        except ValueError as error:
            raise _not_askable(chatbot_id, error) from error
        answer = await self.dry_run_answer(chatbot_id, encoded)
        return await self._threads.compute_json(answer.ops, answer.content)

    async def dry_run_answer(self, chatbot_id: str, body: EncodedBody) -> DryRunAnswer:
        """As `dry_run`, with the answer as it came."""
        answer = await self._make(lambda: self._client.dry_run_answer(chatbot_id, body.content), chatbot_id)

        def ops() -> tuple[Op, ...]:
            try:
                return translation.ops_of(answer.result())
            except WizChatError as error:
                raise self._error(error, chatbot_id) from error

        return DryRunAnswer(answer.content, ops)

    async def export(self, chatbot_id: str) -> Mapping[str, Any]:
        """The live configuration as a document body without server-owned fields.

        Sections that the key may not read are left out and named in ``_omittedSections``.
        """
        config = await self._make(lambda: self._client.get_config(chatbot_id), chatbot_id)
        return await self._threads.run(lambda: translation.body_of(config))

    async def _make(self, request: Callable[[], Awaitable[T]], chatbot_id: str | None = None) -> T:
        try:
            return await self._budget.make(request, self._spender)
        except WizChatError as error:
            raise self._error(error, chatbot_id) from error
        except ValueError as error:
            # the SDK refuses an id that would not stay one segment of the path
            raise _not_askable(chatbot_id, error) from error

    def _error(self, error: WizChatError, chatbot_id: str | None) -> TargetError:
        return error_translation.target_error(error, tenant=self._tenant, chatbot_id=chatbot_id)


class WizChatWriter:
    """Implements `ports.Writer`. Only the apply path holds one. Close it, or use it as an async context manager.

    Args:
        access: Where the API is, with the write key.
        budget: The tenant's call budget; an apply is counted in it but waits for nothing.
        deadline: How long an apply may take, whatever comes of it.
        threads: Where large answers are gone through; whoever gives them also closes them.

    Raises:
        SettingsError: The base URL or the key cannot be used.
    """

    def __init__(
        self,
        access: Access,
        budget: CallBudget,
        *,
        deadline: timedelta = APPLY_DEADLINE,
        threads: NamedExecutor | None = None,
    ) -> None:
        self._tenant = access.tenant
        self._key_id = hashlib.sha256(access.api_key.encode()).hexdigest()[:_KEY_ID_DIGITS]
        self._budget = budget
        self._deadline = deadline.total_seconds()
        self._threads = threads or NamedExecutor("answers")
        self._closes_threads = threads is None
        self._client = _client(access, timeout=self._deadline, on_retry=budget.retried)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._closes_threads:
            await self._threads.close()
        await self._client.aclose()

    @property
    def key_id(self) -> str:
        """What tells the key from another one: a part of a digest, of which no key can be made again."""
        return self._key_id

    async def check_key(self) -> None:
        """Ask, with the write key, for the list of chatbots, which every key may ask for; counted as a comparison."""
        try:
            await self._budget.make(self._client.list_chatbots)
        except WizChatError as error:
            raise error_translation.target_error(error, tenant=self._tenant, setting="write_api_key") from error

    async def apply(self, chatbot_id: str, body: bytes) -> ApplyAnswer:
        """Send these bytes once, on a connection of their own, within the deadline; never raises `TargetError`."""
        try:
            with self._budget.writing():
                async with asyncio.timeout(self._deadline):
                    result = await self._client.apply_config(chatbot_id, body)
        except TargetRateLimited as error:
            return NotSent(str(error))
        except TimeoutError:
            return ApplyUnclear(f"no complete answer came within {self._deadline:g} s")
        except WizChatError as error:
            return error_translation.answer_of_error(error)
        except ValueError as error:
            # the SDK refuses an id or a body before it opens a connection
            return ApplyRefused("bad_request", error_translation.quoted(str(error)))
        return await self._threads.compute(lambda: translation.answer_of(result), result)


def _not_askable(chatbot_id: str | None, error: ValueError) -> RequestRefused:
    return RequestRefused(f"chatbot {chatbot_id!r} cannot be asked for: {error}")


def _client(access: Access, **options: Any) -> AsyncWizChatClient:
    try:
        return AsyncWizChatClient(access.api_key, base_url=access.base_url, **options)
    except ValueError as error:
        raise SettingsError(f"tenant {access.tenant}: {error}") from error
