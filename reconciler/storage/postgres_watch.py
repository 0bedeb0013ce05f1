"""Notices commits of other processes by PostgreSQL's LISTEN and NOTIFY."""

import logging
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import ClassVar, Final, Self

import psycopg
from psycopg import sql

_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 10.0

log = logging.getLogger(__name__)


class ChangeWatch:
    """Counts the announced commits in a thread of its own, so that asking costs nothing.

    While the server cannot be heard every answer differs from all before: nobody then trusts what they remember, such
    as a token that may have been revoked meanwhile.
    """

    is_immediate: ClassVar = False

    def __init__(self, conninfo: str, channel: str, own: str, connect_timeout: int) -> None:
        self._conninfo = conninfo
        self._channel = channel
        self._own = own
        self._connect_timeout = connect_timeout
        self._heard = 0
        self._others = 0
        self._listening = threading.Event()
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="database watch", daemon=True)

    def __call__(self) -> str:
        """A value that changes with every commit of another process."""
        return str(self._heard) if self._listening.is_set() else token_hex(8)

    def others(self) -> str:
        """What changes with what other processes announced as shown to people."""
        return str(self._others)

    def settle(self) -> None:
        """Nothing to do: each announcement names its process."""

    @classmethod
    @contextmanager
    def started(cls, conninfo: str, channel: str, own: str, connect_timeout: int) -> Iterator[Self]:
        """A watch that listens until the block ends.

        Args:
            conninfo: The database's URL.
            channel: Where commits are announced.
            own: What this process announces.
            connect_timeout: Seconds that a connection may take.
        """
        watch = cls(conninfo, channel, own, connect_timeout)
        watch._thread.start()
        watch._listening.wait(connect_timeout)
        try:
            yield watch
        finally:
            watch._stop()

    def _stop(self) -> None:
        os.close(self._waker)
        # a server that hangs must not keep the service from ending; the thread ends with the process
        self._thread.join(_STOP_SECONDS)
        if not self._thread.is_alive():
            os.close(self._wake)

    def _run(self) -> None:
        stopped = False
        while not stopped:
            try:
                stopped = self._listen()
            except psycopg.Error as error:
                log.warning("the database cannot be listened to", extra={"cause": type(error).__name__})
                stopped = bool(select.select([self._wake], [], [], _RETRY_SECONDS)[0])
            finally:
                self._listening.clear()

    def _listen(self) -> bool:
        """Count until the watch is stopped; the answer is that it was."""
        with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=self._connect_timeout) as connection:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            # commits before this moment were not noticed
            self._heard += 1
            self._others += 1
            self._listening.set()
            while True:
                ready, _, _ = select.select([connection.fileno(), self._wake], [], [])
                if self._wake in ready:
                    return True
                announced = [notify.payload for notify in connection.notifies(timeout=0)]
                self._others += sum(name not in ("", self._own) for name in announced)
                self._heard += len(announced)
