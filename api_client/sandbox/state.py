"""The state of one sandbox."""

from dataclasses import dataclass, field

from api_client.sandbox.auth import Keyring
from api_client.sandbox.clock import Clock
from api_client.sandbox.delayed_writes import HeldWrites
from api_client.sandbox.faults import FaultBox
from api_client.sandbox.fleet import Fleet
from api_client.sandbox.journal import Journal


@dataclass(frozen=True, slots=True)
class SandboxState:
    """The fleet, who may use it, what was ordered to go wrong, and what happened."""

    fleet: Fleet
    keyring: Keyring
    journal: Journal
    clock: Clock
    faults: FaultBox = field(default_factory=FaultBox)
    held: HeldWrites = field(default_factory=HeldWrites)
