"""Makes the manifest: ``python -m tests.hostile.corpus.make`` writes it anew."""

import json
from collections import Counter
from pathlib import Path
from typing import Final

from tests.hostile.corpus import include_cases, limit_cases, name_cases, secret_cases, text_cases, yaml_cases
from tests.hostile.corpus.recipes import Case, from_json, to_json

MANIFEST: Final = Path(__file__).parent / "manifest.json"


def every_case() -> list[Case]:
    """All cases of all families; each has a name of its own."""
    families = (yaml_cases, text_cases, include_cases, name_cases, secret_cases, limit_cases)
    found = [case for family in families for case in family.cases()]
    twice = [name for name, count in Counter(case.name for case in found).items() if count > 1]
    if twice:
        raise ValueError(f"two cases are called {', '.join(twice)}")
    return found


def manifest_text() -> str:
    """The manifest as it should be."""
    lines = ",\n".join(json.dumps(value, sort_keys=True) for value in to_json(every_case()))
    return f"[\n{lines}\n]\n"


def kept_cases() -> list[Case]:
    """The cases as the manifest has them."""
    return from_json(json.loads(MANIFEST.read_text()))


if __name__ == "__main__":
    MANIFEST.write_text(manifest_text())
