"""One changed document of many, from git to the compiled document, against reading and parsing just that one."""

import asyncio
import time
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.in_process import opened, refresh, start
from benchmarks.report import Goal, show, spread
from benchmarks.stage import SOURCE, Stage, edited, git, stage
from reconciler.domain.entities import Trigger
from reconciler.runtime.bootstrap.local import document_contract
from reconciler.runtime.bootstrap.service import Service
from reconciler.sources.file_tree import Entry
from reconciler.sources.loader import load_tree

_FEW: Final = 100
"""A hundredth of the fleet that goals are set for."""
_MODE: Final = "100644"


@dataclass(frozen=True, slots=True)
class OneFile:
    """A tree of one file, for the bare reading."""

    file: Entry
    content: bytes

    def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        return self.file if path == self.file.path else None

    def entries(self) -> tuple[Entry, ...]:
        """The file."""
        return (self.file,)

    def read(self, blob_ids: object) -> dict[str, bytes]:  # noqa: ARG002  there is only one
        """Its content."""
        return {self.file.blob_id: self.content}


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds: of the bare reading and of the service's, in turn, and of its first one after a restart."""

    bare: list[float]
    warm: list[float]
    restarted: list[float]

    @property
    def ratio(self) -> float:
        """Of the service's to the bare one, the median of the pairs."""
        return median(b / a for a, b in zip(self.bare, self.warm, strict=True))

    def show(self, chatbots: int) -> None:
        """Print what was measured."""
        figures = {"bare": self.bare, "service": self.warm, "right after a restart": self.restarted}
        spoken = ", ".join(f"{what} {spread([s * 1e3 for s in of], 1)} ms" for what, of in figures.items())
        show(f"  one of {chatbots}: {spoken}")


def main(*, chatbots: int = 1_000, rounds: int = 9) -> list[Goal]:
    """Change one document after the other, in a large fleet and in a small one."""
    few = min(_FEW, chatbots)
    measured = {size: _measured(size, rounds) for size in dict.fromkeys((few, chatbots))}
    many = measured[chatbots]
    floor = f"{median(many.bare) * 1e3:.1f} ms"
    return [
        Goal("git to compiled document / reading and parsing just that one, median", many.ratio, 1.5, floor),
        Goal(
            "the same right after a restart",
            median(many.restarted) / median(many.bare),
            1.5,
            floor,
        ),
        Goal(
            f"one of {chatbots} / one of {few}",
            median(many.warm) / median(measured[few].warm),
            1.2,
            f"{median(measured[few].warm) * 1e3:.1f} ms",
        ),
    ]


def _measured(chatbots: int, rounds: int) -> Measured:
    with stage(chatbots) as on:
        measured = asyncio.run(_measure(on, rounds))
    measured.show(chatbots)
    return measured


async def _measure(on: Stage, rounds: int) -> Measured:
    bare, warm, restarted = [], [], []
    async with opened(on) as service:
        await start(service)
        for number in range(rounds):
            path = _commit(on, number)
            warm.append(await _compiled(service))
            bare.append(_read_alone(on, path))
            await refresh(service, Trigger.SCHEDULE)
    for number in range(rounds, rounds + max(1, rounds // 3)):
        _commit(on, number)
        async with opened(on) as service:
            restarted.append(await _compiled(service))
            await refresh(service, Trigger.SCHEDULE)
    return Measured(bare, warm, restarted)


def _commit(on: Stage, number: int) -> str:
    chatbot_id = list(on.documents)[number % len(on.documents)]
    on.commit({chatbot_id: edited(on.documents[chatbot_id], f"Round {number}.")})
    return f"chatbots/{chatbot_id}.yaml"


async def _compiled(service: Service) -> float:
    """Seconds from the commit, which is fetched already, to the compiled document."""
    engine, port = service.engine, service.engine.sources[SOURCE].port
    async with engine.store.read() as uow:
        record = await uow.sources.get(SOURCE)
    assert record is not None
    assert record.good_revision is not None
    revision = await port.fetch_head()
    begun = time.perf_counter()
    snapshot = await port.load_changes(record.good_revision, revision, engine.store.parse_cache(SOURCE, keeps=False))
    assert snapshot is not None
    assert (snapshot.parsed, [document.digest for document in snapshot.documents if document.stored is None]) != (0, [])
    return time.perf_counter() - begun


def _read_alone(on: Stage, path: str) -> float:
    """Seconds for reading that blob by git and parsing it, by the same reader."""
    contract = document_contract()
    assert contract.validator is not None  # made before, as the service has it
    blob_id = git(on.repository, "rev-parse", f"HEAD:{path}").decode().strip()
    begun = time.perf_counter()
    content = git(on.repository, "cat-file", "blob", blob_id)
    entry = Entry(path, _MODE, blob_id, len(content))
    loaded = load_tree(OneFile(entry, content), [entry], contract, {})
    assert all(document.digest for document in loaded.files[0].documents)
    return time.perf_counter() - begun
