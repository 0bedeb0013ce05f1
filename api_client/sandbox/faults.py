"""Faults that a test injects into the next matching requests."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from api_client.sandbox.journal import Call


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Strict):
    """Which requests a fault meets; what is not stated matches everything.

    Attributes:
        method: ``GET`` or ``POST``.
        path_contains: A part of the path, such as a chatbot's id.
        dry_run: True for dry runs only, False for real applies only; reads match neither.
    """

    method: str | None = None
    path_contains: str | None = None
    dry_run: bool | None = None

    def meets(self, call: Call) -> bool:
        """Return whether the request matches."""
        return (
            (self.method is None or self.method.upper() == call.method)
            and (self.path_contains is None or self.path_contains in call.path)
            and (self.dry_run is None or self.dry_run is call.dry_run)
        )


class _Fault(_Strict):
    times: Annotated[int, Field(ge=1)] | None = 1
    match: Match = Match()


class Latency(_Fault):
    """The answer takes longer."""

    kind: Literal["latency"]
    ms: Annotated[float, Field(ge=0, le=600_000)]


class Status(_Fault):
    """An error status; with ``after`` the request still takes effect first."""

    kind: Literal["status"]
    status: Annotated[int, Field(ge=400, le=599)] = 503
    envelope: Literal["full", "bare", "none"] = "full"
    code: str | None = None
    message: str = "Injected by the sandbox."
    retry_after: str | None = None
    after: bool = False

    @field_validator("status")
    @classmethod
    def _must_be_registered(cls, status: int) -> int:
        HTTPStatus(status)  # the server below has no reason phrase for others
        return status


class Html(_Fault):
    """An error page of something in front of the API."""

    kind: Literal["html"]
    status: Literal[200, 403, 404, 429, 500, 502, 503, 504] = 502
    after: bool = False


class Truncated(_Fault):
    """The true answer, cut off after ``keep`` bytes (default half), then the connection closes."""

    kind: Literal["truncated"]
    keep: Annotated[int, Field(ge=0)] | None = None


class Malformed(_Fault):
    """Status 200 with a body that is not the contract's; the request takes effect."""

    kind: Literal["malformed"]
    body: str = '{"unfinished": '


class DropBefore(_Fault):
    """The connection is dropped; the request never takes effect."""

    kind: Literal["drop_before"]


class DropAfter(_Fault):
    """The request takes effect, then the connection is dropped without an answer."""

    kind: Literal["drop_after"]


class LateWrite(_Fault):
    """The connection of a real apply is dropped at once; the write takes effect ``seconds`` later.

    Without ``seconds`` it is held until ``POST /_sandbox/held-writes`` lets it go.
    """

    kind: Literal["late_write"]
    seconds: Annotated[float, Field(ge=0, le=3600)] | None = None
    match: Match = Match(dry_run=False)


class OpFailure(_Fault):
    """A real apply stops at the op of this section (and key), with a true 422."""

    kind: Literal["op_failure"]
    section: str
    key: str | None = None
    status: int | None = 409
    code: str = "conflict"
    message: str = "Injected by the sandbox."


class ExtraField(_Fault):
    """Answers carry a field that today's contract does not know, and applies accept it back."""

    kind: Literal["extra_field"]
    field: str = "futureField"
    value: Any = "from the future"


Fault = Annotated[
    Latency | Status | Html | Truncated | Malformed | DropBefore | DropAfter | LateWrite | OpFailure | ExtraField,
    Field(discriminator="kind"),
]
_Added = TypeVar("_Added", Latency, ExtraField)
Outcome = Status | Html | Truncated | Malformed | DropBefore | DropAfter | LateWrite


class _Armed:
    def __init__(self, number: int, fault: Fault) -> None:
        self.number = number
        self.fault = fault
        self.left = fault.times

    def spend(self) -> None:
        if self.left is not None:
            self.left -= 1

    def as_json(self) -> dict[str, Any]:
        return {"id": self.number, "left": self.left, **self.fault.model_dump(mode="json")}


class FaultBox:
    """The faults in waiting, first ordered first met."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._count = 0
        self._announced: set[str] = set()

    @property
    def announced_fields(self) -> frozenset[str]:
        """Fields that answers have carried beyond the contract, and that applies accept therefore."""
        return frozenset(self._announced)

    def add(self, fault: Fault) -> dict[str, Any]:
        """Add a fault and return it."""
        self._count += 1
        armed = _Armed(self._count, fault)
        self._armed.append(armed)
        if isinstance(fault, ExtraField):
            self._announced.add(fault.field)
        return armed.as_json()

    def clear(self) -> None:
        """Remove every fault."""
        self._armed.clear()
        self._announced.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the faults that have not happened yet."""
        return [armed.as_json() for armed in self._armed]

    def take_delay(self, call: Call) -> float:
        """Return the seconds that all matching latencies add, and spend them."""
        return sum(fault.ms for fault in self._take_all(Latency, call)) / 1000

    def take_outcome(self, call: Call) -> Outcome | None:
        """Return what happens to the request in place of a plain answer, and spend it."""
        for armed in self._meeting(call):
            if isinstance(armed.fault, Outcome) and not (isinstance(armed.fault, LateWrite) and call.write is None):
                self._spend(armed)
                return armed.fault
        return None

    def take_extra_fields(self, call: Call) -> dict[str, Any]:
        """Return the fields to add to the answer, and spend them."""
        return {fault.field: fault.value for fault in self._take_all(ExtraField, call)}

    def take_op_failure(self, call: Call, section: str, key: str | None) -> OpFailure | None:
        """Return the failure ordered for an op that is about to be executed, and spend it."""
        for armed in self._meeting(call):
            fault = armed.fault
            if isinstance(fault, OpFailure) and fault.section == section and fault.key in (None, key):
                self._spend(armed)
                return fault
        return None

    def _take_all(self, kind: type[_Added], call: Call) -> list[_Added]:
        taken: list[_Added] = []
        for armed in self._meeting(call):
            if isinstance(armed.fault, kind):
                self._spend(armed)
                taken.append(armed.fault)
        return taken

    def _meeting(self, call: Call) -> Iterable[_Armed]:
        return [armed for armed in self._armed if armed.fault.match.meets(call)]

    def _spend(self, armed: _Armed) -> None:
        armed.spend()
        if armed.left == 0:
            self._armed.remove(armed)
