"""Versions agree, locks are in step and pinned by hash, and no file tells of one machine."""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.pages import ROOT, tracked

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {"service.txt": ("service", "postgres"), "dev.txt": ("dev",), "build.txt": ()}
# in pieces, so that this file does not name what it looks for
_PIECES = (("py", r"pi\.org"), ("python", "hosted"), ("registry", r"\.npmjs"), ("/", "work/main"), ("/", "root/"))
PLACES = re.compile("|".join("".join(pieces) for pieces in _PIECES))


def requirements(extra: str) -> list[Requirement]:
    own = [Requirement(line) for line in PROJECT["optional-dependencies"][extra]]
    inner = {name for requirement in own if requirement.name == PROJECT["name"] for name in requirement.extras}
    return [
        *(requirement for requirement in own if requirement.name != PROJECT["name"]),
        *(requirement for name in inner for requirement in requirements(name)),
    ]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {
        canonicalize_name(match[1]): match[2] for match in re.finditer(r"^([\w.-]+)==([^ \\]+)", text, re.MULTILINE)
    }


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)

    assert newest
    assert newest[1] == PROJECT["version"] == metadata.version("wizchat-reconciler")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_the_project_asks_for(name: str) -> None:
    pins = locked(name)
    asked = [Requirement(line) for line in PROJECT["dependencies"]] if LOCKS[name] else []
    asked += [requirement for extra in LOCKS[name] for requirement in requirements(extra)]

    missing = [str(r) for r in asked if not r.specifier.contains(pins.get(canonicalize_name(r.name), "0"))]
    assert missing == [], "run make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", (ROOT / "requirements" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert [block.split()[0] for block in blocks[1:] if "--hash=sha256:" not in block] == []


def test_the_image_is_built_from_what_is_locked() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert dockerfile.count("pip install") == dockerfile.count("--require-hashes") + dockerfile.count("--no-index")


def test_no_file_names_an_index_or_a_place_on_one_machine() -> None:
    found: list[Path] = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if PLACES.search(text):
            found.append(path.relative_to(ROOT))

    assert found == []


def test_make_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())

    assert phony == set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def test_the_migrations_form_one_chain_in_the_order_of_their_files() -> None:
    """Two branches that both add one merge without a conflict, and no database opens afterwards."""
    folder = ROOT / "reconciler" / "storage" / "migrations" / "versions"
    stated = [
        re.findall(r'^(?:down_)?revision = (?:"(\w+)"|None)$', path.read_text(), re.MULTILINE)
        for path in sorted(folder.glob("[0-9]*.py"))
    ]
    revisions = [path.name.partition("_")[0] for path in sorted(folder.glob("[0-9]*.py"))]
    assert stated == [list(pair) for pair in zip(revisions, ["", *revisions], strict=False)]


def test_the_readme_of_the_package_names_no_file_of_the_repository() -> None:
    told = metadata.metadata("wizchat-reconciler").get_payload()

    assert "make demo" in told
    assert re.findall(r"!?\[[^\]]*\]\((?!https?://)[^)]*\)", told) == []
