"""Sources of one repository do not tell of each other's documents; a source alone tells of all that none reads."""

from pathlib import Path

import pytest

from reconciler.domain.document import Snapshot
from reconciler.runtime.bootstrap.engine import git_sources
from reconciler.settings.model import Settings
from tests.fakes.cache import MemoryParseCache
from tests.support.git import GitRepo

pytestmark = pytest.mark.anyio

DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: A}}\n"


def source(name: str, url: str) -> dict[str, object]:
    return {"name": name, "url": url, "branch": "main", "paths": (f"{name}/*.yaml",), "insecure": True}


async def snapshots(tmp_path: Path, revision: str, *sources: dict[str, object]) -> dict[str, Snapshot]:
    given = {"sources": sources, "tenants": [{"name": "default", "api_key": "k"}], "data": {"dir": tmp_path / "data"}}
    opened = git_sources(Settings.model_validate(given))
    try:
        return {name: await each.load(revision, MemoryParseCache()) for name, each in opened.items()}
    finally:
        for each in opened.values():
            await each.close()


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "bots")
    repo.commit({"sales/a.yaml": DOCUMENT, "support/b.yaml": DOCUMENT})
    return repo


async def test_a_source_alone_tells_of_documents_outside_of_its_paths(repo: GitRepo, tmp_path: Path) -> None:
    found = await snapshots(tmp_path, repo.head, source("sales", repo.url))
    assert [each.path for each in found["sales"].passed_over] == ["support/b.yaml"]


@pytest.mark.parametrize("end", ["", "/", "/.git", ".git"])
async def test_sources_of_one_repository_do_not(repo: GitRepo, tmp_path: Path, end: str) -> None:
    if end == ".git":
        (tmp_path / "bots.git").symlink_to(repo.folder)
    found = await snapshots(tmp_path, repo.head, source("sales", repo.url), source("support", repo.url + end))
    assert {name: list(each.passed_over) for name, each in found.items()} == {"sales": [], "support": []}
    assert {name: len(each.documents) for name, each in found.items()} == {"sales": 1, "support": 1}


async def test_a_source_of_another_repository_changes_nothing(repo: GitRepo, tmp_path: Path) -> None:
    other = GitRepo(tmp_path / "others")
    other.git("fetch", "--quiet", repo.url, "main")
    other.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    found = await snapshots(tmp_path, repo.head, source("sales", repo.url), source("support", other.url))
    assert {name: [each.path for each in told.passed_over] for name, told in found.items()} == {
        "sales": ["support/b.yaml"],
        "support": ["sales/a.yaml"],
    }
