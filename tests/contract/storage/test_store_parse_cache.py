import pytest

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Refusal
from reconciler.domain.status import Reason
from reconciler.storage import Store
from tests.support.records import a_file

pytestmark = pytest.mark.anyio


async def test_a_file_is_found_by_path_and_content(store: Store) -> None:
    cache = store.parse_cache("main")
    file = a_file(
        refusals=(Refusal(None, "x.yaml", Reason.DOCUMENT_INVALID, "no"),),
        diagnostics=(Diagnostic(Severity.WARNING, "hm", "x.yaml", 1, 2, "spec.core"),),
    )
    await cache.keep([file])
    assert await cache.find({file.path: file.blob_id, "other.yaml": "e" * 40}) == {file.path: file}
    assert await cache.find({file.path: "another content"}) == {}
    assert await store.parse_cache("other").find({file.path: file.blob_id}) == {}


async def test_newer_knowledge_replaces_older_and_dropped_paths_are_forgotten(store: Store) -> None:
    cache = store.parse_cache("main")
    await cache.keep([a_file("a.yaml"), a_file("b.yaml")])
    newer = a_file("a.yaml", blob_id="n" * 40)
    await cache.keep([newer], drop=["b.yaml"])
    assert await cache.find({"a.yaml": "n" * 40, "b.yaml": "b" * 40}) == {"a.yaml": newer}


async def test_thousands_of_files_are_kept_and_found(store: Store) -> None:
    cache = store.parse_cache("main")
    files = [a_file(f"{number}.yaml") for number in range(2500)]
    await cache.keep(files)
    assert len(await cache.find({file.path: file.blob_id for file in files})) == 2500
