"""The log: one line of JSON each, with a traceback where nobody knows what to do, and without one where it is said."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.waiting import PATIENCE

PROGRAM = """
import logging
from reconciler.errors import StoreError
from reconciler.runtime.telemetry import log_to_stderr
log_to_stderr()
try:
    {raising}
except BaseException:
    logging.getLogger("x").exception("job failed")
"""


def logged(raising: str) -> dict[str, Any]:
    """The line of a log that says how a job failed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(raising=raising)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    (line,) = done.stderr.splitlines()
    said: dict[str, Any] = json.loads(line)
    return said


@pytest.mark.parametrize(
    "raising",
    [
        "raise StoreError('the database is busy: try again')",
        "raise ExceptionGroup('two', [StoreError('the database is busy: try again'), StoreError('another')])",
        "raise ExceptionGroup('a', [ExceptionGroup('b', [StoreError('the database is busy: try again')])])",
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_with_its_cause(raising: str) -> None:
    said = logged(raising)
    assert said["cause"] == "the database is busy: try again"
    assert "exception" not in said


@pytest.mark.parametrize(
    "raising",
    ["raise KeyError('slip')", "raise ExceptionGroup('two', [StoreError('busy'), KeyError('slip')])"],
)
def test_what_nobody_expected_has_its_traceback(raising: str) -> None:
    said = logged(raising)
    assert "KeyError: 'slip'" in said["exception"]
    assert "cause" not in said
