"""The official package's own tests pass against ours with nothing but the import name changed."""

import subprocess
import sys
from pathlib import Path

VENDORED = Path(__file__).parent / "vendor" / "test_client.py.txt"


def test_the_official_suite_passes_against_ours(tmp_path: Path) -> None:
    suite = tmp_path / "test_client.py"
    suite.write_text(VENDORED.read_text(encoding="utf-8").replace("wizchat_management", "api_client"), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(suite)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "12 passed" in run.stdout
