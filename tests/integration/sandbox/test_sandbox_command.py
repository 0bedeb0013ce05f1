"""``python -m api_client.sandbox`` as a person starts it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from api_client.sandbox.server import listening_socket
from tests.support.loopback import LOOPBACK

COMMAND = (sys.executable, "-m", "api_client.sandbox")
LIMIT = 30.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*COMMAND, *arguments), capture_output=True, text=True, timeout=LIMIT, check=False)


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    with subprocess.Popen((*COMMAND, "--port", "0", *arguments), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(LIMIT) == 0


def test_it_serves_the_seed_to_the_keys_given_and_keeps_the_state(tmp_path: Path) -> None:
    seed, state = tmp_path / "seed.json", tmp_path / "state.json"
    seed.write_text(json.dumps({"chatbots": [{"id": "mine", "spec": {"core": {"name": "Mine"}}}]}))
    arguments = ("--api-key", "wpk_live_one", "--api-key", "wpk_live_two", "--seed", str(seed), "--state", str(state))
    with running(*arguments) as url:
        for key in ("wpk_live_one", "wpk_live_two"):
            headers = {"Authorization": f"Bearer {key}"}
            listed = httpx.get(f"{url}/api/v1/chatbots", headers=headers, **LOOPBACK).json()["chatbots"]
            assert [bot["name"] for bot in listed] == ["Mine"]
        edit = {"section": "core", "set": {"name": "Kept"}}
        httpx.post(f"{url}/_sandbox/chatbots/mine/edit", json=edit, **LOOPBACK).raise_for_status()
    assert json.loads(state.read_text())["chatbots"][0]["spec"]["core"]["name"] == "Kept"


def test_a_bad_seed_is_one_line_and_exit_1(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"chatbots": [{"id": "a", "spec": {"skills": [{"name": "x", "mode": "never"}]}}]}')
    result = run("--seed", str(seed))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {seed}: chatbots[0].spec.skills[0].mode: ")
    assert result.stderr.count("\n") == 1


def test_a_state_that_cannot_be_written_is_one_line_and_exit_1(tmp_path: Path) -> None:
    result = run("--port", "0", "--state", str(tmp_path / "gone" / "state.json"))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "gone/state.json: cannot be written: No such file" in result.stderr


def test_a_port_that_is_taken_is_one_line_and_exit_1() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert result.stderr.count("\n") == 1
