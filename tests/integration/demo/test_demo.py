"""`reconciler demo`, as a person starts it: the URL first, then a token, then lines that work."""

import itertools
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.support.waiting import PATIENCE

LIMIT_S = 60.0


@dataclass
class Demo:
    """The running demonstration and what it printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))
            if line.startswith("stop with"):
                self.told.set()
        self.told.set()

    @property
    def url(self) -> str:
        return self.lines[0]

    @property
    def token(self) -> str:
        return self.lines[1].removeprefix("token: ")

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    demo = Demo(process)
    listener = threading.Thread(target=demo.listen)
    listener.start()
    try:
        assert demo.told.wait(LIMIT_S)
        yield demo
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        listener.join()
        process.wait()
        assert process.stdout
        process.stdout.close()


def test_the_url_comes_first_and_then_a_token(demo: Demo) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", demo.lines[0])
    assert re.fullmatch(r"token: wzr_\S{40,}", demo.lines[1])
    assert demo.get("/healthz").status_code == 200


def test_there_is_drift_and_a_change_that_waits(demo: Demo) -> None:
    chatbots = {chatbot["id"]: chatbot for chatbot in demo.get("/api/v1/chatbots").json()["items"]}

    assert chatbots["bot_7f3a"]["direction"] == "GitAhead"
    assert chatbots["bot_90de"]["direction"] == "LiveAhead"
    assert {chatbot["sync"] for chatbot in chatbots.values()} == {"Synced", "OutOfSync", "Unknown"}
    assert chatbots["bot_7f3a"]["plan_id"] is not None


def as_request(line: str, token: str) -> httpx.Request:
    """The request that a printed curl line makes."""
    words = shlex.split(line.replace("$RECONCILER_TOKEN", token))
    options = list(itertools.pairwise(words))
    headers = dict(value.split(": ", 1) for flag, value in options if flag == "-H")
    body = next((value for flag, value in options if flag == "-d"), None)
    return httpx.Request("GET" if body is None else "POST", words[-1], headers=headers, content=body)


def test_every_printed_line_works(demo: Demo) -> None:
    requests = [as_request(line, demo.token) for line in demo.lines if line.startswith("curl ")]

    with httpx.Client(timeout=PATIENCE) as client:
        answers = [client.send(request) for request in requests]

    assert [answer.request.url.path.split("/")[-1] for answer in answers if answer.request.method == "POST"] == [
        "approve",
        "apply",
        "edit",
    ]
    assert [(answer.status_code, answer.text) for answer in answers if answer.is_error] == []
