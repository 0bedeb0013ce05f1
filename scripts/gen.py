"""Generate `api_client/models.py` from `api_client/openapi.json`.

The flags are those of the official SDK, so that the names come out the same. The result depends on the contract and
on the pinned versions of the generator, black and isort alone.

Usage: python scripts/gen.py [--check]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "api_client" / "openapi.json"
MODELS = ROOT / "api_client" / "models.py"
FLAGS = [
    "--input-file-type",
    "openapi",
    "--output-model-type",
    "pydantic_v2.BaseModel",
    "--openapi-scopes",
    "schemas",
    "--use-annotated",
    "--field-constraints",
    "--use-standard-collections",
    "--target-python-version",
    "3.10",
    "--disable-timestamp",
    "--collapse-root-models",
    "--formatters",
    "black",
    "isort",
]
TIME_LIMIT_S = 300


def generate(output: Path) -> None:
    """Write the models to `output`. Formatters look for settings there: keep it outside the tree."""
    command = [
        *(sys.executable, "-W", "ignore::FutureWarning", "-m", "datamodel_code_generator"),
        *("--input", str(CONTRACT), "--output", str(output), *FLAGS),
    ]
    subprocess.run(command, check=True, timeout=TIME_LIMIT_S)


def main(arguments: list[str] | None = None) -> int:
    """Write the models, or with `--check` only compare them with what the contract gives."""
    parser = argparse.ArgumentParser(description="Generate api_client/models.py from api_client/openapi.json.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the models are out of step")
    check: bool = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / MODELS.name
        generate(fresh)
        text = fresh.read_bytes()
    if not check:
        MODELS.write_bytes(text)
    elif MODELS.read_bytes() != text:
        print(
            f"{MODELS.relative_to(ROOT)} is out of step with the contract: run python scripts/gen.py", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
