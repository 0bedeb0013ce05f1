"""`models.py` is what the contract gives."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_models_are_in_step_with_the_contract() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "gen.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_models_out_of_step_are_named_with_the_command_to_run(tmp_path: Path) -> None:
    copied = {"scripts/gen.py", "api_client/openapi.json", "api_client/models.py"}
    for name in copied:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    with (tmp_path / "api_client" / "models.py").open("a") as models:
        models.write("# edited by hand\n")
    command = [sys.executable, str(tmp_path / "scripts" / "gen.py")]
    check = subprocess.run([*command, "--check"], capture_output=True, text=True, timeout=120, check=False)
    assert (check.returncode, check.stderr) == (
        1,
        "api_client/models.py is out of step with the contract: run python scripts/gen.py\n",
    )
    subprocess.run(command, timeout=120, check=True)
    assert (tmp_path / "api_client" / "models.py").read_bytes() == (ROOT / "api_client" / "models.py").read_bytes()
