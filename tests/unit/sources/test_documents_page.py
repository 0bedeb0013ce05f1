"""The examples of docs/documents.md are documents that are accepted."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.sources.loader import load_tree, select
from tests.fakes.source import MemoryTree
from tests.support.contract import CONTRACT

PAGE = Path(__file__).parents[3] / "docs" / "documents.md"


def test_the_page_names_everything_that_is_known_of_core() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## What is free")[2].partition("\n## ")[0]

    def names(known: Mapping[str, Any]) -> Iterator[str]:
        for name, schema in known.items():
            yield name
            yield from names(schema.get("properties", {}))

    assert [name for name in names(CONTRACT.known_in_core) if f"`{name}`" not in section] == []


def test_every_yaml_example_of_the_page_is_a_valid_document() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        files = {"chatbots/a.yaml": example, "prompts/support.md": "Be kind.", "shared/refunds.md": "Refund."}
        tree = MemoryTree(files, {})
        (file,) = load_tree(tree, select(tree, ["chatbots/*.yaml"]), CONTRACT, {}).files
        assert file.diagnostics == ()
        assert len(file.documents) == 1
