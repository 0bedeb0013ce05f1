"""No test judges by the speed of its machine: it waits for conditions, and its limits end nothing but a hang."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.support.waiting import PATIENCE

ROOT: Final = Path(__file__).parents[2]
CLOCKS: Final = frozenset({"sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"})
WAITS: Final = frozenset({"timeout", "fail_after", "move_on_after", "wait", "join"})
PATIENT: Final = re.compile(r"PATIENCE|SOON")
EXCEPTIONS: Final = {
    "tests/support/waiting.py": "it is what waits",
    "tests/faults/": "trials and their processes are paced, and how long they took is printed for people",
    "tests/e2e/test_flood.py": "a flood is paced, and how long answers took is printed for people",
    "tests/unit/api_client/test_sdk_network.py": "what is shown is how the client ends a call at its own time limit",
}
"""Files and folders that may look at a clock or let time pass, and why."""


def findings(source: str) -> Iterator[str]:
    """What in a test's source may judge by the speed of a machine."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=name) if name in CLOCKS:
                yield f"line {node.lineno}: time.{name}"
            case ast.ImportFrom(module="time"):
                yield f"line {node.lineno}: from time import"
            case ast.Call(func=ast.Attribute(attr="time", value=ast.Call() | ast.Name(id="loop"))):
                yield f"line {node.lineno}: the time of a loop"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="asyncio" | "anyio"), attr="sleep"), args=[seconds]):
                if not isinstance(seconds, ast.Constant) or seconds.value:
                    yield f"line {node.lineno}: sleep({ast.unparse(seconds)})"
            case ast.Call(func=ast.Attribute(attr=name), args=[seconds]) if name in WAITS and _is_short(seconds):
                yield f"line {node.lineno}: {name}({ast.unparse(seconds)})"
            case ast.keyword(arg="timeout", value=seconds) if _is_short(seconds):
                yield f"line {node.value.lineno}: timeout={ast.unparse(seconds)}"
            case ast.Assign(targets=[ast.Name(id=name)], value=seconds) if PATIENT.search(name) and _is_short(seconds):
                yield f"line {node.lineno}: {name} = {ast.unparse(seconds)}"


def _is_short(seconds: ast.expr) -> bool:
    """Whether it is a limit that a machine which does much else could miss."""
    return isinstance(seconds, ast.Constant) and isinstance(seconds.value, int | float) and 0 < seconds.value < PATIENCE


def test_no_test_judges_by_speed() -> None:
    found = [
        f"{name}, {what}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if not (name := path.relative_to(ROOT).as_posix()).startswith(tuple(EXCEPTIONS))
        for what in findings(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "wait for a condition (tests/support/waiting.py), or count the work (tests/support/work.py)"


def test_every_exception_is_still_needed() -> None:
    for name in EXCEPTIONS:
        paths = [ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py")
        assert any(list(findings(path.read_text(encoding="utf-8"))) for path in paths), name


@pytest.mark.parametrize(
    "source",
    [
        "time.sleep(1)",
        "assert time.monotonic() - began < 5",
        "from time import perf_counter",
        "await asyncio.sleep(0.1)",
        "await asyncio.sleep(pause)",
        "with anyio.fail_after(5): pass",
        "assert event.wait(10)",
        "process.wait(timeout=10)",
        "subprocess.run(command, timeout=5)",
        "PATIENCE = 10.0",
        "asyncio.get_running_loop().time()",
    ],
)
def test_a_judgement_of_speed_is_found(source: str) -> None:
    assert list(findings(source))


@pytest.mark.parametrize(
    "source",
    [
        "await asyncio.sleep(0)",
        "thread.join()",
        "event.wait(PATIENCE)",
        "subprocess.run(command, timeout=60)",
        "time()",
    ],
)
def test_a_condition_is_none(source: str) -> None:
    assert not list(findings(source))


def test_no_example_has_a_deadline_and_none_is_too_slow() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
