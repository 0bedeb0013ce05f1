"""Starts ``make demo``, follows its printed lines to an applied plan, sees a live edit, and stops it."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START_LIMIT_S = 90.0
STEP_LIMIT_S = 40.0
STOP_LIMIT_S = 40.0


class Output:
    """The lines of a process as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._stream = process.stdout
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._stream or ():
            print("  |", line, end="", flush=True)
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, pattern: str, limit: float) -> re.Match[str]:
        """The first line from here on that matches."""
        deadline = time.monotonic() + limit
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise SystemExit("make demo ended early")
            if match := re.search(pattern, line):
                return match
        raise SystemExit(f"make demo did not print {pattern!r} within {limit:.0f} s")


@contextmanager
def demo() -> Iterator[Output]:
    """``make demo`` on a free port, stopped as by Ctrl-C."""
    process = subprocess.Popen(
        ["make", "demo", "PORT=0"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield Output(process)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_LIMIT_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def get(url: str, token: str | None = None) -> Any:
    """The JSON answer of a call."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:  # noqa: S310 - the demonstration's own address
        return json.load(answer)


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait for a condition.

    Raises:
        SystemExit: It did not come about in time.
    """
    deadline = time.monotonic() + STEP_LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {STEP_LIMIT_S:.0f} s: {what}")
        time.sleep(0.2)
    print("ok:", what, flush=True)


def main() -> int:
    """Follow the story."""
    with demo() as output:
        url = output.until(r"^(http://\S+)$", START_LIMIT_S)[1]
        token = output.until(r"^token: (\S+)$", STEP_LIMIT_S)[1]
        get(f"{url}/healthz")
        api = f"{url}/api/v1"
        print("ok: /healthz and", len(get(f"{api}/status", token)), "fields of /status", flush=True)
        commands = [output.until(r"^(curl .*)$", START_LIMIT_S)[1] for _ in range(8)]
        plan = next(re.search(r"/plans/([^/\s]+)/approve", command) for command in commands if "/approve" in command)
        plan_url = f"{api}/plans/{plan[1] if plan else ''}"
        shell = {**os.environ, "RECONCILER_TOKEN": token}
        for command in commands:
            subprocess.run(["bash", "-c", f"{command} -f -o /dev/null"], env=shell, check=True, timeout=30)
            if command.endswith("/apply"):
                until("the plan is Applied", lambda: get(plan_url, token)["status"] == "Applied")
        chatbot = commands[-1].split()[-1]
        until("the live edit is LiveAhead", lambda: get(chatbot, token)["direction"] == "LiveAhead")
    return 0


if __name__ == "__main__":
    sys.exit(main())
