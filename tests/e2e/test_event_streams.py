"""Server-sent events of the service as it runs: over real sockets, beside real commands, and through a stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.command import run_command
from tests.support.service import Service, stage
from tests.support.world import BOT, document, path_of, spec

PATIENCE = 90.0
"""Seconds: a command has to start on a busy machine."""


@contextmanager
def stream(service: Service, secret: str | None = None, **headers: str) -> Iterator[Iterator[str]]:
    """The lines of an open stream; a beat comes every 15 seconds, so silence for longer is a failure."""
    shown = {"Authorization": f"Bearer {secret}"} if secret else {}
    with service.api.stream("GET", "/events", headers={**shown, **headers}, timeout=PATIENCE) as answer:
        assert answer.status_code == httpx.codes.OK
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        yield lines


def until(lines: Iterator[str], wanted: str) -> str:
    """Read until an event of a kind; the answer is its id."""
    place = ""
    for line in lines:
        place = line.removeprefix("id: ") if line.startswith("id: ") else place
        if line == f"event: {wanted}":
            return place
    raise AssertionError(f"the stream ended before an event {wanted}")


def beside(service: Service, *arguments: str) -> None:
    """Run a command on the database of the running service."""
    run_command(*arguments, environ=service.environ)


def test_events_are_told_resumed_and_end_with_the_token_and_with_the_service(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as s, s.service() as service:
        service.first_run()
        secret = service.post("/tokens", name="looker", role="viewer")["secret"]
        with stream(service) as lines, stream(service, secret) as looker:
            service.post("/suspend", scope=f"chatbot/{BOT}", reason="look")
            seen = until(lines, "suspension")
            until(looker, "chatbot")
            service.post("/resume", scope=f"chatbot/{BOT}")
            with stream(service, **{"Last-Event-ID": seen}) as again:
                until(again, "suspension")

            beside(service, "token", "create", "made-beside", "--role", "viewer")
            until(lines, "changed")

            beside(service, "token", "revoke", "looker")
            assert [line for line in looker if "tok" in line] == []

            service.process.send_signal(signal.SIGTERM)
            # to its proper end: a connection that breaks off would raise
            for _ in lines:
                pass
            assert service.process.wait(PATIENCE) == 0
        # what a stop says when it has waited for open answers in vain
        assert not [line for line in service.lines if "graceful" in line]
