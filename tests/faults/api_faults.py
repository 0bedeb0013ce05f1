"""Faults of WizChat and of the network before it: each is ordered for one chatbot and one kind of request."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api_client.sandbox.remote import SandboxControl
from tests.faults.answers import TRUE_RESULT, wrong_results
from tests.faults.proxy import Break, Cut, Proxy

WRONG: Final = wrong_results()
_STATUSES: Final = (500, 502, 503, 504)
_REFUSALS: Final = (400, 401, 403, 404, 405, 409, 410, 415, 418, 422, 451)
_OPS: Final = (("core", None), ("skills", "hours"), ("skills", "orders"))


@dataclass(frozen=True, slots=True)
class Given:
    """Where a fault is ordered, and for which chatbot."""

    control: SandboxControl
    proxy: Proxy
    bot: str
    chance: random.Random

    def sandbox(self, kind: str, *, dry_run: bool, **fields: Any) -> None:
        """Order a fault of the sandbox."""
        self.control.add_fault(kind, match={"path_contains": f"/{self.bot}/", "dry_run": dry_run}, **fields)


Fault = Callable[[Given], str]
"""Orders a fault, and names its kind."""


def _of_sandbox(kind: str, **choices: Sequence[Any]) -> Fault:
    def order(given: Given) -> str:
        given.sandbox(kind, dry_run=False, **{name: given.chance.choice(values) for name, values in choices.items()})
        return f"apply {kind}"

    return order


def _of_dry_run(kind: str, **choices: Sequence[Any]) -> Fault:
    def order(given: Given) -> str:
        fields = {name: given.chance.choice(values) for name, values in choices.items()}
        given.sandbox(kind, dry_run=True, **fields)
        return f"dry run {kind}"

    return order


def _op_failure(given: Given) -> str:
    section, key = given.chance.choice(_OPS)
    more = {"key": key} if key else {}
    given.sandbox("op_failure", dry_run=False, section=section, **more)
    return "apply 422 at an item"


def _refusal(given: Given) -> str:
    envelope = given.chance.choice(("full", "full", "bare", "none"))
    given.sandbox("status", dry_run=False, status=given.chance.choice(_REFUSALS), envelope=envelope)
    return f"apply 4xx ({envelope} envelope)"


def _broken(cut: Cut, *, dry_run: bool = False, after_write: bool = False, **more: Any) -> Fault:
    def order(given: Given) -> str:
        at = given.chance.choice((0.02, 0.3, 0.5, 0.9, 0.999, 1, 20, 200))
        given.proxy.order(Break(given.bot, dry_run, cut, at=at, after_write=after_write, **more))
        what = "verification" if after_write else "dry run" if dry_run else "apply"
        return f"{what} {cut}"

    return order


def _wrong_result(given: Given) -> str:
    given.sandbox("malformed", dry_run=False, body=given.chance.choice(WRONG))
    return "apply wrong ApplyResult"


def _wrong_dry_run(given: Given) -> str:
    given.sandbox("malformed", dry_run=True, body=given.chance.choice(WRONG))
    return "dry run wrong ApplyResult"


def _lie(given: Given) -> str:
    body = given.chance.choice([believable(), *WRONG])
    given.proxy.order(Break(given.bot, dry_run=False, cut=Cut.LIE, body=body))
    return "apply answered without effect"


def believable() -> str:
    """A result that would be believed, were it not verified."""
    return json.dumps(TRUE_RESULT)


_AFTER: Final = {"after": (False, True)}
OF_APPLIES: Final[tuple[Fault, ...]] = (
    _of_sandbox("status", status=_STATUSES, envelope=("full", "bare", "none"), **_AFTER),
    _of_sandbox("html", status=(200, 500, 502, 503, 504), **_AFTER),
    _of_sandbox("truncated", keep=(None, 0, 1, 7, 100)),
    _of_sandbox("drop_before"),
    _of_sandbox("drop_after"),
    _of_sandbox("late_write", seconds=(0.0, 0.05, 0.3, 0.8, 1.2)),
    _of_sandbox("latency", ms=(50, 400, 1200, 1300)),
    _of_sandbox("extra_field"),
    _wrong_result,
    _wrong_result,
    _op_failure,
    _refusal,
    _broken(Cut.BEFORE),
    _broken(Cut.INSIDE),
    _broken(Cut.AFTER),
    _broken(Cut.IN_ANSWER),
    _broken(Cut.TRICKLE),
    _broken(Cut.OVERSIZED),
    _lie,
)
OF_DRY_RUNS: Final[tuple[Fault, ...]] = (
    _of_dry_run("status", status=_STATUSES, times=(1, 2), envelope=("full", "bare", "none")),
    _of_dry_run("html", status=(200, 403, 404, 500, 502, 503)),
    _of_dry_run("truncated", keep=(None, 0, 1, 100)),
    _of_dry_run("drop_before", times=(1, 2, 5)),
    _of_dry_run("drop_after", times=(1, 2, 5)),
    _of_dry_run("latency", ms=(50, 400, 1200)),
    _wrong_dry_run,
    _broken(Cut.BEFORE, dry_run=True),
    _broken(Cut.INSIDE, dry_run=True),
    _broken(Cut.AFTER, dry_run=True),
    _broken(Cut.IN_ANSWER, dry_run=True),
    _broken(Cut.OVERSIZED, dry_run=True),
    _broken(Cut.BEFORE, dry_run=True, after_write=True),
    _broken(Cut.IN_ANSWER, dry_run=True, after_write=True),
    _broken(Cut.OVERSIZED, dry_run=True, after_write=True),
)
EVERY: Final = (*OF_APPLIES, *OF_DRY_RUNS)
