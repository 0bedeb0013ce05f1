"""A WizChat in memory behind `ports.Target` and `ports.Writer`: the sandbox's own planner, without HTTP or keys."""

import asyncio
import json
import pickle
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Self

from api_client.models import ApplyResult, ChatbotConfigDocument
from api_client.sandbox import Chatbot, Fleet, default_fleet
from api_client.sandbox.auth import ApiKey
from api_client.sandbox.document import validated
from api_client.sandbox.errors import ApiRefusal
from api_client.sandbox.executor import OpError, execute
from api_client.sandbox.planner import Op as PlannedOp
from api_client.sandbox.planner import plan_document
from api_client.sandbox.views import chatbot_name, config_document, read_config
from reconciler.domain.apply_answers import ApplyAnswer, ApplyRefused, ApplyUnclear, NotSent
from reconciler.domain.canonical import EncodedBody
from reconciler.domain.plan import Op
from reconciler.errors import ChatbotNotFound, RequestRefused, TargetError
from reconciler.ports import Budget, DryRunAnswer, LiveChatbot, Spender
from reconciler.targets import translation
from tests.fakes.clock import FakeClock


class Effect(Enum):
    """What becomes of a write whose answer is lost."""

    NONE = auto()
    AT_ONCE = auto()
    LATE = auto()


@dataclass(frozen=True, slots=True)
class Write:
    """An apply that was sent."""

    chatbot_id: str
    body: bytes


def answered(ops: tuple[Op, ...]) -> DryRunAnswer:
    """An answer that says these ops."""
    return DryRunAnswer(pickle.dumps(ops), lambda: ops)


class FakeTarget:
    """Implements `ports.Target`.

    Attributes:
        fleet: What is live; a test edits it as a person at WizChat would.
        calls: Every call, as (what, chatbot id).
        left: What `budget` answers.
        spenders: For whom calls were to be made.
        unlisted: Ids that the list leaves out, though they can be asked about.
    """

    def __init__(self, fleet: Fleet | None = None, clock: FakeClock | None = None) -> None:
        self.fleet = fleet if fleet is not None else default_fleet()
        self.clock = clock or FakeClock()
        self.calls: list[tuple[str, str | None]] = []
        self.spenders: list[Spender] = []
        self.unlisted: set[str] = set()
        self.left = Budget(600, None, 0, None)
        self._errors: dict[str | None, deque[TargetError]] = defaultdict(deque)
        self._lasting: dict[str | None, TargetError] = {}

    def fail(self, error: TargetError, chatbot_id: str | None = None, *, times: int | None = 1) -> None:
        """Raise this at the next calls about a chatbot (None: the list), or with ``times=None`` until `heal`."""
        if times is None:
            self._lasting[chatbot_id] = error
        else:
            self._errors[chatbot_id].extend([error] * times)

    def heal(self, chatbot_id: str | None = None) -> None:
        """Raise nothing any more about a chatbot."""
        self._lasting.pop(chatbot_id, None)
        self._errors.pop(chatbot_id, None)

    def now(self) -> datetime:
        """The API's own clock; its moments are none of whole seconds, after which nobody has to wait a second."""
        return self.clock.now() + timedelta(milliseconds=1)

    def budget(self) -> Budget:
        return self.left

    def spending(self, spender: Spender) -> Self:
        self.spenders.append(spender)
        return self

    async def chatbots(self) -> Sequence[LiveChatbot]:
        self._called("chatbots", None)
        return tuple(
            LiveChatbot(chatbot.id, chatbot_name(chatbot), translation.moment(chatbot.updated_at))
            for chatbot in self.fleet
            if chatbot.id not in self.unlisted
        )

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        self._called("dry_run", chatbot_id)
        chatbot = self._chatbot(chatbot_id)
        try:
            document = validated(json.loads(json.dumps(body)))
        except ApiRefusal as refusal:
            raise RequestRefused(f"WizChat refused the request with {refusal.code}: {refusal.message}") from refusal
        plan = plan_document(document, read_config(chatbot, self.clock.now()))
        return translation.ops_of(ApplyResult.model_validate({"dryRun": True, "plan": plan.as_json()}))

    async def dry_run_answer(self, chatbot_id: str, body: EncodedBody) -> DryRunAnswer:
        return answered(await self.dry_run(chatbot_id, body.value))

    async def export(self, chatbot_id: str) -> Mapping[str, Any]:
        self._called("export", chatbot_id)
        await asyncio.sleep(0)  # as over a network, others go on meanwhile
        config = read_config(self._chatbot(chatbot_id), self.clock.now())
        return translation.body_of(
            ChatbotConfigDocument.model_validate(config_document(config, ApiKey("all", "unused")), extra="allow")
        )

    def _called(self, what: str, chatbot_id: str | None) -> None:
        self.calls.append((what, chatbot_id))
        if self._errors[chatbot_id]:
            raise self._errors[chatbot_id].popleft()
        if chatbot_id in self._lasting:
            raise self._lasting[chatbot_id]

    def _chatbot(self, chatbot_id: str) -> Chatbot:
        chatbot = self.fleet.get(chatbot_id)
        if chatbot is None:
            raise ChatbotNotFound(
                f"chatbot {chatbot_id} was not found at WizChat: remove the document or correct metadata.chatbotId"
            )
        return chatbot


class FakeWriter:
    """Implements `ports.Writer` over the fleet of a `FakeTarget`.

    Attributes:
        key_id: What tells its key from another one.
        writes: Every apply that was sent, with or without effect.
        key_error: What a check of the key meets, or None.
        key_checks: How often the key was checked.
        strips_texts: Whether what is stored are the texts without the blanks around them.
    """

    def __init__(self, target: FakeTarget) -> None:
        self._target = target
        self._orders: deque[ApplyAnswer | Effect] = deque()
        self._failing: tuple[str, str | None] | None = None
        self._late: list[Write] = []
        self.strips_texts = False
        self.key_id = "key_1"
        self.key_error: TargetError | None = None
        self.key_checks = 0
        self.writes: list[Write] = []

    def lose_answer(self, effect: Effect) -> None:
        """Answer the next apply with `ApplyUnclear`; it takes effect or not, or when `let_writes_go` is called."""
        self._orders.append(effect)

    def answer(self, answer: NotSent | ApplyRefused) -> None:
        """Answer the next apply with this; it has no effect."""
        self._orders.append(answer)

    def fail_at(self, section: str, key: str | None = None) -> None:
        """Stop the next apply at this op."""
        self._failing = (section, key)

    def let_writes_go(self) -> None:
        """Let the late writes take effect."""
        late, self._late = self._late, []
        for write in late:
            self._execute(write)

    async def check_key(self) -> None:
        self.key_checks += 1
        if self.key_error is not None:
            raise self.key_error

    async def apply(self, chatbot_id: str, body: bytes) -> ApplyAnswer:
        order = self._orders.popleft() if self._orders else None
        if isinstance(order, NotSent):
            return order
        write = Write(chatbot_id, body)
        self.writes.append(write)
        match order:
            case None:
                return self._execute(write)
            case Effect.NONE:
                return ApplyUnclear("the answer was lost")
            case Effect.LATE:
                self._late.append(write)
                return ApplyUnclear("the answer was lost")
            case Effect.AT_ONCE:
                self._execute(write)
                return ApplyUnclear("the answer was lost")
            case _:
                return order

    def _execute(self, write: Write) -> ApplyAnswer:
        chatbot = self._target.fleet.get(write.chatbot_id)
        if chatbot is None:
            return ApplyRefused("not_found", "Chatbot not found.")
        now = self._target.now()
        try:
            plan = plan_document(validated(json.loads(write.body)), read_config(chatbot, now))
        except ApiRefusal as refusal:
            return ApplyRefused(refusal.code, refusal.message)
        execution = execute(plan, chatbot, now, self._failure_of)
        self._failing = None
        if self.strips_texts:
            chatbot.config.update(_stripped(chatbot.config))
        result = {
            "dryRun": False,
            "plan": plan.as_json(),
            "applied": execution.applied_json(),
            "failed": execution.failed_json(),
        }
        return translation.answer_of(ApplyResult.model_validate(result))

    def _failure_of(self, op: PlannedOp) -> OpError | None:
        if self._failing is None or self._failing not in {(op.section, op.key), (op.section, None)}:
            return None
        return OpError(409, "conflict", "Ordered by the test.")


def _stripped(value: Any) -> Any:
    match value:
        case str():
            return value.strip()
        case dict():
            return {name: _stripped(inner) for name, inner in value.items()}
        case list():
            return [_stripped(inner) for inner in value]
        case _:
            return value
