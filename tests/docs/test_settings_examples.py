"""The settings that the pages show are settings that the service takes."""

import re
import tomllib
from typing import Any

import pytest

from reconciler.settings.model import Settings
from tests.docs.pages import ROOT, pages

_EXAMPLE = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(found[1], id=f"{path.relative_to(ROOT)}-{number}")
    for path in pages()
    for number, found in enumerate(_EXAMPLE.finditer(path.read_text(encoding="utf-8")))
]


def with_secrets(given: Any) -> Any:
    """The same, with a secret instead of each file that would hold one."""
    match given:
        case dict():
            return {
                name.removesuffix("_file"): "s" * 40 if name.endswith("_file") else with_secrets(value)
                for name, value in given.items()
            }
        case list():
            return [with_secrets(each) for each in given]
        case _:
            return given


def test_examples_are_found() -> None:
    assert len(EXAMPLES) > 4


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_taken(text: str) -> None:
    given = with_secrets(tomllib.loads(text))
    sources = given.setdefault("sources", [])
    named = {name for grant in given.get("grants", ()) for name in grant.get("sources", ())}
    sources += [
        {"name": name, "url": "https://git.example.com/bots.git"} for name in named - {each["name"] for each in sources}
    ]
    given.setdefault(
        "tenants", [{"name": name, "api_key": "k"} for name in {s.get("tenant", "default") for s in sources}]
    )

    assert Settings.model_validate(given)
