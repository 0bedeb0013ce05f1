"""What happens in between: something done during a question to git, a dry run or a request; jobs that nobody does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from reconciler.domain.apply_answers import ApplyAnswer
from reconciler.domain.canonical import EncodedBody
from reconciler.domain.plan import Op
from reconciler.ports import DryRunAnswer, Spender
from tests.fakes.source import FakeSource
from tests.fakes.target import FakeTarget, FakeWriter, answered
from tests.support.world import BOT

Meanwhile = Callable[[], Awaitable[object]]


class Deaf:
    """A dispatcher that does nothing, because the test runs the job itself."""

    def submit(self, job: object) -> None: ...


class BusySource(FakeSource):
    """Something happens once, while it is asked where its branch is."""

    meanwhile: Meanwhile | None = None

    async def head(self) -> str:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return await super().head()


@dataclass
class BusyTarget:
    """Something happens once, while the dry run of one chatbot is under way."""

    target: FakeTarget
    meanwhile: Meanwhile | None = None

    def spending(self, _: Spender) -> Self:
        return self

    async def dry_run(self, chatbot_id: str, body: Mapping[str, Any]) -> tuple[Op, ...]:
        ops = await self.target.dry_run(chatbot_id, body)
        if chatbot_id == BOT and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return ops

    async def dry_run_answer(self, chatbot_id: str, body: EncodedBody) -> DryRunAnswer:
        return answered(await self.dry_run(chatbot_id, body.value))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


@dataclass
class BusyWriter:
    """Something happens while a request is on its way, before or after it takes effect."""

    writer: FakeWriter
    before: Meanwhile | None = None
    after: Meanwhile | None = None

    @property
    def key_id(self) -> str:
        return self.writer.key_id

    async def check_key(self) -> None:
        await self.writer.check_key()

    async def apply(self, chatbot_id: str, body: bytes) -> ApplyAnswer:
        if self.before is not None:
            await self.before()
        answer = await self.writer.apply(chatbot_id, body)
        if self.after is not None:
            await self.after()
        return answer
