"""What is wrong in documents, on the pages of runs and of sources, and in the API."""

import re
from dataclasses import replace

import pytest

from reconciler.domain.diagnostics import ANOTHER_SOURCE, Diagnostic, Severity
from reconciler.domain.entities import Counts, Run, RunStatus
from reconciler.domain.status import Reason
from reconciler.domain.uncompared import Uncompared
from tests.fakes.clock import START
from tests.integration.web.conftest import REVISION, House
from tests.support.records import a_run

pytestmark = pytest.mark.anyio

ERROR = Diagnostic(Severity.ERROR, "this is no YAML", "chatbots/a.yaml", 1, 1)
AGAIN = replace(ERROR, message="the key skils is unknown", line=3)
OTHER = replace(ERROR, path="chatbots/b.yaml")
WARNING = replace(ERROR, severity=Severity.WARNING, message="the file is blank")
CUT = Diagnostic(Severity.ERROR, "900 more findings stand in the documents")
COUNTS = Counts(documents=8, dry_runs=7)


async def ended(house: House, *found: Diagnostic, **changes: object) -> Run:
    """The last run of the source main, at its last good revision."""
    run = a_run("run_last", revision=REVISION, finished_at=START, counts=COUNTS, diagnostics=found)
    run = replace(run, **changes)
    await last(house, run)
    return run


async def last(house: House, run: Run) -> None:
    async with house.store.begin() as uow:
        record = await uow.sources.get("main")
        assert record is not None
        await uow.sources.save(replace(record, last_run_id=run.id, good_revision=REVISION))
        await uow.runs.add(run)


async def page(house: House, path: str) -> str:
    async with house.client("wzr_viewer") as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


def pills(text: str) -> list[tuple[str, str]]:
    found = re.findall(r'<span class="pill ([^"]*)"><span aria-hidden="true">(.)</span> ([^<]*)</span>', text)
    return [(kind, f"{symbol} {words}") for kind, symbol, words in found]


def of_main(text: str) -> str:
    """The card of the source main."""
    return text[text.index('aria-label="Source main"') : text.index('aria-label="Source side"')]


@pytest.mark.parametrize("path", ["/runs/run_last", "/runs?source=main", "/sources"])
async def test_no_run_with_findings_looks_like_nothing_but_a_success(house: House, path: str) -> None:
    await ended(house, ERROR, OTHER)
    text = await page(house, path)
    text = of_main(text) if path == "/sources" else text
    assert ("both", "! succeeded, 2 findings") in pills(text)
    if path != "/runs?source=main":  # there older runs are listed too
        assert ("ok", "✓ succeeded") not in pills(text)


async def test_a_run_that_found_nothing_is_a_plain_success(house: House) -> None:
    await ended(house)
    text = await page(house, "/runs/run_last")
    assert pills(text)[0] == ("ok", "✓ succeeded")
    assert "0 findings in the documents" in text
    assert "Nothing was found wrong in the documents." in text


DOWN = Uncompared("bot_1", "chatbots/a.yaml", Reason.TARGET_UNREACHABLE, "WizChat cannot be reached")
GONE = Uncompared("<bot>", "chatbots/b.yaml", Reason.CHATBOT_MISSING, "the chatbot <bot> is not in the list")


async def test_a_run_lists_what_it_could_not_compare_apart_from_what_is_wrong_in_documents(house: House) -> None:
    message = "2 of 8 chatbots could not be compared (1 ChatbotMissing, 1 TargetUnreachable): down."
    await ended(house, counts=replace(COUNTS, errors=2, uncompared=2), message=message, uncompared=(GONE, DOWN))
    text = await page(house, "/runs/run_last")
    assert "2 not compared</h2>" in text
    listed = text[text.index("2 not compared</h2>") : text.index("in the documents</h2>")]
    for each in ("&lt;bot&gt;</a>", "chatbot missing", 'href="/chatbots/acme/bot_1">bot_1</a>', "target unreachable"):
        assert each in listed
    assert listed.index("The chatbot &lt;bot&gt; is not in the list.") < listed.index("WizChat cannot be reached.")
    assert "sync=Unknown" not in text, "it names all of them"
    assert message in text
    assert "2 errors" not in text
    assert "Nothing was found wrong in the documents: what went wrong stands above." in text

    async with house.client("wzr_viewer") as client:
        shape = (await client.get("/api/v1/runs/run_last")).json()
        (again,) = [
            each for each in (await client.get("/api/v1/status")).json()["last_runs"] if each["source"] == "main"
        ]
    assert (
        shape["uncompared"]
        == again["uncompared"]
        == [
            {
                "chatbot_id": "<bot>",
                "path": "chatbots/b.yaml",
                "reason": "ChatbotMissing",
                "message": "the chatbot <bot> is not in the list",
            },
            {
                "chatbot_id": "bot_1",
                "path": "chatbots/a.yaml",
                "reason": "TargetUnreachable",
                "message": "WizChat cannot be reached",
            },
        ]
    )


@pytest.mark.parametrize(("named", "words"), [((DOWN,), "2 more are not named here."), ((), "The chatbots of main")])
async def test_what_a_run_does_not_name_leads_to_the_chatbots(
    house: House, named: tuple[Uncompared, ...], words: str
) -> None:
    await ended(house, counts=replace(COUNTS, errors=3, uncompared=3), uncompared=named)
    text = await page(house, "/runs/run_last")
    assert "3 not compared</h2>" in text
    assert words in text
    assert 'href="/?source=main&amp;sync=Unknown"' in text


async def test_a_list_that_was_not_read_is_told_by_the_message_above(house: House) -> None:
    message = "the list of chatbots could not be read: down."
    await ended(house, counts=replace(COUNTS, errors=1), message=message)
    text = await page(house, "/runs/run_last")
    assert text.index(message) < text.index("1 error<") < text.index("what went wrong stands above")


async def test_a_run_that_failed_tells_what_it_saw_and_what_stands(house: House) -> None:
    seen = "e" * 40
    await ended(house, status=RunStatus.FAILED, seen_revision=seen, message="HistoryRewritten: no.")
    for path in ("/runs/run_last", "/runs?source=main"):
        text = await page(house, path)
        assert seen[:10] in text, path
    text = await page(house, "/runs/run_last")
    assert text.index("Revision seen") < text.index(seen[:10]) < text.index("What stands") < text.index(REVISION[:10])
    async with house.client("wzr_viewer") as client:
        shape = (await client.get("/api/v1/runs/run_last")).json()
    assert (shape["seen_revision"], shape["revision"]) == (seen, REVISION)


async def test_a_run_that_could_not_read_git_shows_no_revision_as_its_own(house: House) -> None:
    await ended(house, status=RunStatus.FAILED)
    listed = await page(house, "/runs?source=main")
    assert REVISION[:10] not in listed
    assert "none seen" in listed
    text = await page(house, "/runs/run_last")
    assert text.index("What stands") < text.index(REVISION[:10])


async def test_a_run_that_failed_does_not_say_that_it_looked(house: House) -> None:
    await ended(house, status=RunStatus.FAILED, revision=None)
    text = await page(house, "/runs/run_last")
    assert "It failed, and nothing was known to be wrong in the documents." in text
    assert "Nothing was found wrong" not in text


async def test_a_failed_run_stays_failed_whatever_is_wrong(house: House) -> None:
    await ended(house, ERROR, status=RunStatus.FAILED)
    assert pills(await page(house, "/runs/run_last"))[0] == ("del", "✗ failed, 1 finding")


@pytest.mark.parametrize("path", ["/runs/run_last", "/runs?source=main", "/sources"])
@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((ERROR, AGAIN, OTHER, WARNING), '7 dry runs, <strong class="lost">2 files with refused documents</strong>'),
        ((ERROR, AGAIN), '7 dry runs, <strong class="lost">1 file with refused documents</strong>'),
    ],
)
async def test_the_counts_say_in_how_many_files_documents_are_refused(
    house: House, path: str, found: tuple[Diagnostic, ...], said: str
) -> None:
    await ended(house, *found)
    assert f"8 documents, {said}" in await page(house, path)


@pytest.mark.parametrize("found", [(WARNING,), (ERROR, CUT)])
async def test_they_do_not_where_that_is_none_or_not_known(house: House, found: tuple[Diagnostic, ...]) -> None:
    await ended(house, *found)
    assert "with refused documents" not in await page(house, "/runs/run_last")


@pytest.mark.parametrize(
    ("found", "sign"), [((WARNING, ERROR), ("del", "✗ 2 findings")), ((WARNING,), ("both", "! 1 finding"))]
)
async def test_a_source_says_how_much_stands_wrong_in_its_documents_and_where_that_is_shown(
    house: House, found: tuple[Diagnostic, ...], sign: tuple[str, str]
) -> None:
    await ended(house, *found)
    card = of_main(await page(house, "/sources"))
    assert pills(card)[:2] == [("ok", "✓ ready"), sign]
    (link,) = re.findall(r'<a href="([^"]*)"><span class="pill', card)
    assert link == "/runs/run_last"
    assert "This is no YAML" in await page(house, link) or found == (WARNING,)


async def test_a_source_says_so_also_while_a_run_is_under_way(house: House) -> None:
    await ended(house, ERROR)
    await last(house, a_run("run_now", status=RunStatus.RUNNING, created_at=START.replace(hour=13)))
    card = of_main(await page(house, "/sources"))
    assert pills(card)[:3] == [("ok", "✓ ready"), ("del", "✗ 1 finding"), ("live", "▶ running")]
    assert '<a href="/runs/run_last"><span class="pill' in card


async def test_a_source_says_nothing_of_another_revision(house: House) -> None:
    await ended(house, ERROR, revision="b" * 40)
    assert [words for _, words in pills(of_main(await page(house, "/sources")))][1] == "! succeeded, 1 finding"


async def test_the_api_keeps_the_word_of_the_status(house: House) -> None:
    await ended(house, ERROR, OTHER)
    async with house.client("wzr_viewer") as client:
        source = (await client.get("/api/v1/sources/main")).json()
        run = (await client.get(f"/api/v1/runs/{source['last_run_id']}")).json()
    assert (run["status"], run["revision"], len(run["diagnostics"])) == ("Succeeded", source["good_revision"], 2)


async def conditions(house: House) -> list[dict[str, object]]:
    """Of the source main, as each way to ask for it tells them."""
    async with house.client("wzr_viewer") as client:
        one = (await client.get("/api/v1/sources/main")).json()
        listed = (await client.get("/api/v1/sources")).json()["items"]
        status = (await client.get("/api/v1/status")).json()["sources"]
    for all_of_them in (listed, status):
        assert [each for each in all_of_them if each["name"] == "main"] == [one]
    return list(one["conditions"])


async def test_a_source_has_conditions_of_what_is_found_in_its_documents(house: House) -> None:
    unmatched = Diagnostic(Severity.WARNING, "no document is for bot_x, which the setting chatbots lists")
    await ended(house, WARNING, ERROR, OTHER, unmatched)
    assert await conditions(house) == [
        {
            "severity": "error",
            "count": 2,
            "message": "chatbots/a.yaml:1:1 this is no YAML.",
            "run_id": "run_last",
        },
        {
            "severity": "warning",
            "count": 2,
            "message": "chatbots/a.yaml:1:1 the file is blank.",
            "run_id": "run_last",
        },
    ]
    await last(house, a_run("run_next", revision=REVISION, finished_at=START, diagnostics=(unmatched,)))
    assert await conditions(house) == [
        {
            "severity": "warning",
            "count": 1,
            "message": "No document is for bot_x, which the setting chatbots lists.",
            "run_id": "run_next",
        }
    ]


async def test_a_source_without_findings_has_no_conditions(house: House) -> None:
    await ended(house)
    assert await conditions(house) == []


async def test_while_a_run_is_under_way_the_one_before_tells_the_conditions(house: House) -> None:
    await ended(house, ERROR)
    await last(house, a_run("run_next", revision=None, finished_at=None, status=RunStatus.RUNNING))
    assert [each["run_id"] for each in await conditions(house)] == ["run_last"]


async def test_a_condition_names_no_source_that_may_not_be_seen(house: House) -> None:
    found = replace(ERROR, message=f"the chatbot bot_1 belongs to {ANOTHER_SOURCE}: remove it", rival="side")
    await ended(house, found)
    async with house.client("wzr_viewer") as client:
        (seen,) = (await client.get("/api/v1/sources/main")).json()["conditions"]
    async with house.client("wzr_main-only") as client:
        (unseen,) = (await client.get("/api/v1/sources/main")).json()["conditions"]
    assert "the source side" in seen["message"]
    assert "side" not in unseen["message"]
