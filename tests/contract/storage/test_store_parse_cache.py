import pytest
from sqlalchemy import delete, func, select

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import KnownTree, Refusal, Surroundings
from reconciler.domain.status import Reason
from reconciler.errors import StoreError
from reconciler.storage import Store, tables
from tests.support.records import a_document, a_file

pytestmark = pytest.mark.anyio


async def test_a_file_is_found_by_path_and_content(store: Store) -> None:
    cache = store.parse_cache("main")
    file = a_file(
        refusals=(Refusal(None, "x.yaml", Reason.DOCUMENT_INVALID, "no"),),
        diagnostics=(Diagnostic(Severity.WARNING, "hm", "x.yaml", 1, 2, "spec.core"),),
    )
    await cache.keep([file])
    assert await cache.find({file.path: file.blob_id, "other.yaml": "e" * 40}) == {file.path: file.without_bodies()}
    assert await cache.find({file.path: "another content"}) == {}
    assert await store.parse_cache("other").find({file.path: file.blob_id}) == {}


async def test_newer_knowledge_replaces_older_and_dropped_paths_are_forgotten(store: Store) -> None:
    cache = store.parse_cache("main")
    await cache.keep([a_file("a.yaml"), a_file("b.yaml")])
    newer = a_file("a.yaml", blob_id="n" * 40)
    await cache.keep([newer], drop=["b.yaml"])
    assert await cache.find({"a.yaml": "n" * 40, "b.yaml": "b" * 40}) == {"a.yaml": newer.without_bodies()}


def tree_at(revision: str = "r1") -> KnownTree:
    found = Diagnostic(Severity.WARNING, "hm", "x.YAML", 1, 1)
    return KnownTree(revision, "key", entries=3, files=2, claims=2, surroundings=Surroundings(skipped=(found,)))


async def promote(store: Store, revision: str = "r1") -> None:
    async with store.begin() as uow:
        await uow.documents.agree_with_files("main", revision)


async def bodies(store: Store) -> int:
    async with store._reading() as transaction:
        count = select(func.count()).select_from(tables.document_bodies)
        return (await transaction.connection.scalars(count)).one()


async def test_a_tree_counts_once_the_claims_are_those_of_its_files_and_until_a_file_changes(store: Store) -> None:
    cache = store.parse_cache("main")
    assert await cache.promoted_tree() is None
    await cache.keep([a_file("a.yaml")], tree=tree_at())
    assert await cache.promoted_tree() is None
    await promote(store, "another")
    assert await cache.promoted_tree() is None
    await promote(store)
    assert await cache.promoted_tree() == tree_at()
    await cache.keep([a_file("b.yaml")])
    await promote(store)
    assert await cache.promoted_tree() is None


async def test_a_tree_whose_files_were_deleted_is_not_known(store: Store) -> None:
    cache = store.parse_cache("main")
    await cache.keep([a_file("a.yaml")], tree=tree_at())
    await promote(store)
    async with store._writing() as transaction:
        await transaction.write(delete(tables.parsed_files))
    assert await cache.promoted_tree() is None


async def test_a_source_that_gives_up_a_claim_does_not_claim_what_its_files_say(store: Store) -> None:
    cache = store.parse_cache("main")
    async with store.begin() as uow:
        await uow.documents.change("main", [a_document("bot_1"), a_document("bot_2")])
    await cache.keep([a_file("a.yaml")], tree=tree_at())
    await promote(store)
    async with store.begin() as uow:
        await uow.documents.give_up("main", ["bot_1"])
        assert [claim.chatbot_id for claim in await uow.documents.outlines("main")] == ["bot_2"]
    assert await cache.promoted_tree() is None


async def test_of_two_loads_at_once_neither_says_which_tree_the_files_are(store: Store) -> None:
    first, second = store.parse_cache("main"), store.parse_cache("main")
    await first.find({})
    await second.find({})
    await first.keep([a_file("a.yaml")])
    await second.keep([a_file("b.yaml")], tree=tree_at("r2"))
    await first.keep([], tree=tree_at("r1"))
    for revision in ("r1", "r2"):
        await promote(store, revision)
        assert await first.promoted_tree() is None


async def test_files_are_found_by_what_changes_concern(store: Store) -> None:
    cache = store.parse_cache("main")
    found = Diagnostic(Severity.WARNING, "hm", "b.yaml", 1, 1)
    plain, including = a_file("a.yaml", includes={}), a_file("b.yaml", diagnostics=(found,))
    await cache.keep([plain, including])
    assert await cache.paths() == {"a.yaml", "b.yaml"}
    assert await cache.at(["a.yaml", "none"]) == {"a.yaml": plain.without_bodies()}
    assert await cache.with_findings() == {"b.yaml": including.without_bodies()}
    assert await cache.including(["prompts/a.md"]) == {"b.yaml"}
    assert await cache.claiming(["bot_1", "bot_2"]) == {"a.yaml", "b.yaml"}
    assert await cache.claiming([]) == frozenset()
    assert await cache.claimed_ids() == {"bot_1"}
    await cache.keep([], drop=["a.yaml"])
    assert await cache.claiming(["bot_1"]) == {"b.yaml"}


async def test_claims_are_found_by_chatbot_and_by_place_and_those_refused_without_any(store: Store) -> None:
    cache = store.parse_cache("main")
    refused = a_document("c", path="c.yaml", body=None, digest=None, refusal=Reason.DOCUMENT_INVALID)
    async with store.begin() as uow:
        await uow.documents.change("main", [a_document("a", path="a.yaml"), a_document("b", path="b.yaml"), refused])
        await uow.documents.change("other", [a_document("d", source="other", path="a.yaml")])
    assert await cache.standing(["a"], ["c.yaml"]) == {"a": "a.yaml", "c": "c.yaml"}
    assert await cache.standing([], []) == {"c": "c.yaml"}


async def test_a_body_stays_as_long_as_a_claim_or_a_file_has_it(store: Store) -> None:
    cache, file = store.parse_cache("main"), a_file("a.yaml")
    digest = file.documents[0].digest
    await cache.keep([file])
    async with store.begin() as uow:
        await uow.documents.change("main", [a_document("bot_1", body=None, digest=digest)])
        claim = await uow.documents.get("main", "bot_1")
        assert claim is not None
        assert claim.body == file.documents[0].body == await uow.documents.body("main", digest)
    await cache.keep([], drop=["a.yaml"])
    assert await bodies(store) == 1
    async with store.begin() as uow:
        await uow.documents.change("main", [], removed=["bot_1"])
    assert await bodies(store) == 0


async def test_a_file_whose_body_is_missing_is_not_known_and_no_claim_is_made_of_it(store: Store) -> None:
    cache, file = store.parse_cache("main"), a_file("a.yaml")
    await cache.keep([file])
    async with store._writing() as transaction:
        await transaction.write(delete(tables.document_bodies))
    assert await cache.at(["a.yaml"]) == {}
    async with store.begin() as uow:
        with pytest.raises(StoreError, match="bodies of documents of the source main are missing"):
            await uow.documents.change("main", [a_document(body=None, digest=file.documents[0].digest)])


async def test_a_look_remembers_nothing(store: Store) -> None:
    cache = store.parse_cache("main", keeps=False)
    await cache.keep([a_file("a.yaml")], tree=tree_at())
    assert await cache.paths() == frozenset()


async def test_thousands_of_files_are_kept_and_found(store: Store) -> None:
    cache = store.parse_cache("main")
    files = [a_file(f"{number}.yaml") for number in range(2500)]
    await cache.keep(files)
    assert len(await cache.find({file.path: file.blob_id for file in files})) == 2500
