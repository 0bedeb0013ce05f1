"""Commands as people run them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.waiting import PATIENCE

INHERITED = {name: value for name, value in os.environ.items() if not name.startswith(("WIZCHAT_", "RECONCILER_"))}
"""The environment without this machine's own settings."""


def run_command(
    *arguments: str, environ: Mapping[str, str], cwd: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `reconciler` to its end, with nothing of this machine's own settings."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        env={**INHERITED, **environ},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert not check or done.returncode == 0, done.stderr
    return done
