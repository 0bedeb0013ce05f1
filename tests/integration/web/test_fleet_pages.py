"""The fleet, the runs and the sources, as a browser meets them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.entities import Counts, RunStatus, SourceState
from reconciler.domain.history import drifting
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import MissingRight, WriteKey, WriteKeyState
from tests.fakes.clock import START
from tests.integration.web.conftest import REVISION, Git, House, signed_in
from tests.support.records import a_chatbot, a_plan, a_run

pytestmark = pytest.mark.anyio

NASTY = "<script>alert(1)</script>\u202e\x1b"
KEY = "wpk_live_9f8e7d6c5b4a39281706"


async def refusals(house: House) -> list[tuple[str, str]]:
    entries = await house.store.queries.audit(None, limit=10, cursor=None)
    return [(entry.action, entry.subject) for entry in entries.items if entry.action.endswith(".refused")]


def rows(text: str) -> list[str]:
    """The ids of the chatbots that a page lists, in order."""
    return re.findall(r'<span class="mono">([^<]*)</span>', text)


def links(text: str, words: str) -> list[str]:
    found = re.findall(r'<a[^>]*href="([^"]*)"[^>]*>((?:(?!</a>).)*)</a>', text, re.DOTALL)
    return [unescape(href) for href, inside in found if words in re.sub(r"<[^>]*>", "", inside)]


async def drift(house: House) -> None:
    """Three chatbots drift, one after the other, from the service's first day on."""
    async with house.store.begin() as uow:
        await uow.audit.append(at=house.clock.now(), actor="reconciler", action="a", subject="s", detail={})
    for number, direction in enumerate((Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED)):
        async with house.store.begin() as uow:
            bot = a_chatbot(f"drift_{number}", source="main", name=f"Drift {9 - number}", labels={"team": "sales"})
            bot = replace(bot, sync=Sync.OUT_OF_SYNC, direction=direction, reason=Reason.AWAITING_APPROVAL)
            await uow.chatbots.add(drifting(bot, house.clock.now()))
        house.clock.advance(86_400)


async def test_the_fleet_says_how_many_differ_and_since_when(house: House) -> None:
    await drift(house)
    async with signed_in(house) as client:
        text = (await client.get("/")).text

    assert "<h1>6 chatbots, 3 of 6 compared, 3 of these differ from git</h1>" in text
    assert re.search(r'Oldest drift <time [^>]*title="2026-03-01 12:00:00 UTC">3 d</time>', text)
    assert links(text, "Drift 9")[0] == "/chatbots/acme/drift_0"
    assert "49,993 of 50,000 API calls left today" in text


@pytest.mark.parametrize("state", [each for each in TenantState if each is not TenantState.READY])
async def test_a_tenant_that_cannot_be_used_is_told_where_people_look(house: House, state: TenantState) -> None:
    cause = f"{NASTY} put a valid key in api_key"
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", state=state, cause=cause, since=START))
        source = await uow.sources.get("main")
        assert source is not None
        await uow.sources.save(replace(source, compared_at=START - timedelta(hours=3)))
    async with signed_in(house) as client:
        pages = [(await client.get(path)).text for path in ("/", "/sources")]

    for text in pages:
        assert f"</span> {state.value.lower()}</span> <b>WizChat of the tenant acme cannot be used</b>" in text
        assert "put a valid key in api_key" in text
        assert "<script>alert(1)" not in text
    assert re.search(r"<dt>Live side compared</dt><dd><time [^>]*>3 h ago</time></dd>", pages[1])


async def test_a_write_key_that_cannot_do_what_is_needed_is_told_where_people_look(house: House) -> None:
    missing = MissingRight(scope="skills:write", sections=("skills",), since=START)
    key = WriteKey(key_id="key_1", state=WriteKeyState.REFUSED, since=START, missing=(missing,))
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", state=TenantState.READY, cause=None, write_key=key))
    async with signed_in(house) as client:
        pages = [(await client.get(path)).text for path in ("/", "/sources")]
    for text in pages:
        assert "WizChat refuses the write key, so nothing can be applied" in text
        assert "lacks the scope skills:write" in text
    assert "<dt>Write key</dt><dd>refused</dd>" in pages[1]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (None, "not asked yet"),
        (WriteKeyState.ACCEPTED, "accepted; whether it may write is known only at the first apply"),
        (WriteKeyState.PROVEN, "accepted, and an apply with it was carried out"),
    ],
)
async def test_a_source_says_what_is_known_of_the_write_key_and_what_is_not(
    house: House, state: WriteKeyState | None, says: str
) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", write_key=WriteKey(key_id="key_1", state=state)))
    async with signed_in(house) as client:
        assert f"<dt>Write key</dt><dd>{says}</dd>" in (await client.get("/sources")).text


async def test_a_tenant_that_answers_takes_no_room(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", state=TenantState.READY, cause=None, since=START))
    async with signed_in(house) as client:
        pages = [(await client.get(path)).text for path in ("/", "/sources")]
    assert not [text for text in pages if "cannot be used" in text]


async def test_what_a_run_could_not_compare_is_said_beside_when_it_did(house: House) -> None:
    async with house.store.begin() as uow:
        run = await uow.runs.get("run_main")
        assert run is not None
        await uow.runs.save(replace(run, counts=Counts(documents=9, dry_runs=9, errors=4, uncompared=4)))
    async with signed_in(house) as client:
        text = (await client.get("/sources")).text
    assert '<dd>never, <strong class="lost">4 could not be compared</strong></dd>' in text


async def test_a_cell_says_what_it_is_where_no_head_stands_over_it(house: House) -> None:
    await drift(house)
    async with signed_in(house) as client:
        text = (await client.get("/?order=drifted&descending=yes")).text
    (drifted,) = re.findall(r'<tr role="row"><th[^>]*><a href="/chatbots/acme/drift_0">.*?</tr>', text, re.DOTALL)
    (unknown,) = re.findall(r'<tr role="row"><th[^>]*><a href="/chatbots/acme/bot_3">.*?</tr>', text, re.DOTALL)

    assert re.search(r'<td role="cell" data-label="Out of sync for"><time [^>]*>3 d</time></td>', drifted)
    assert 'data-label="Source">main' in drifted
    assert unknown.count('<td role="cell" class="blank">') == 2


async def test_a_count_leads_to_the_chatbots_that_it_counts(house: House) -> None:
    await drift(house)
    async with signed_in(house) as client:
        whole = (await client.get("/?label=team")).text
        (path,) = links(whole, "git ahead")[:1]
        ahead = (await client.get(path)).text

    assert path == "/?label=team&direction=GitAhead"
    assert rows(ahead) == ["drift_0"]
    assert re.search(r'<a class="card tile git" href="/\?label=team" aria-current="true">', ahead)


async def test_the_list_is_ordered_by_its_heads(house: House) -> None:
    await drift(house)
    async with signed_in(house) as client:
        text = (await client.get("/?sync=OutOfSync")).text
        by_state = rows(text)
        by_name = rows((await client.get(links(text, "Chatbot")[0])).text)
        oldest = await client.get(links(text, "Since")[0])
        newest = rows((await client.get(links(oldest.text, "Since")[0])).text)

    assert by_state == ["drift_2", "drift_1", "drift_0"]
    assert by_name == ["drift_2", "drift_1", "drift_0"]
    assert rows(oldest.text) == ["drift_0", "drift_1", "drift_2"]
    assert newest == ["drift_2", "drift_1", "drift_0"]
    assert oldest.text.count("aria-sort=") == 1
    assert re.search(r'<th role="columnheader" scope="col" aria-sort="ascending"><a [^>]*>Since', oldest.text)


async def test_an_address_that_was_kept_shows_the_same_list(house: House) -> None:
    await drift(house)
    async with signed_in(house) as client:
        kept = (await client.get("/?sync=OutOfSync&order=drifted&down=yes")).text
        today = (await client.get("/?sync=OutOfSync&order=drifted&descending=yes")).text

    assert rows(kept) == rows(today) == ["drift_2", "drift_1", "drift_0"]


async def test_the_chatbots_of_one_tenant_are_listed(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.chatbots.add(a_chatbot("of_zeta", tenant="zeta", source="main"))
    async with signed_in(house) as client:
        one_tenant = (await client.get("/?source=main")).text
        zeta = (await client.get("/?tenant=zeta&source=main")).text

    assert "of_zeta" in rows(one_tenant)
    assert len(rows(one_tenant)) > 1
    assert '<select id="tenant"' not in one_tenant, "there is nothing to choose from"
    assert rows(zeta) == ["of_zeta"]
    assert '<option value="zeta" selected>' in zeta


async def test_a_large_fleet_comes_in_parts_that_miss_nobody(house: House) -> None:
    async with house.store.begin() as uow:
        for number in range(230):
            await uow.chatbots.add(a_chatbot(f"many_{number:03}", source="main", sync=Sync.OUT_OF_SYNC))
    seen, path = [], "/?q=many&order=name"
    async with signed_in(house) as client:
        for _ in range(3):
            text = (await client.get(path)).text
            seen.append(rows(text))
            path = (links(text, "Next") or [""])[0]
            assert path == "" or "q=many&order=name&cursor=" in path

    assert [len(part) for part in seen] == [100, 100, 30]
    assert path == ""
    assert [bot for part in seen for bot in part] == [f"many_{number:03}" for number in range(230)]


async def test_a_cursor_of_another_order_begins_the_list_anew(house: House) -> None:
    async with signed_in(house) as client:
        answer = await client.get("/?order=name&q=bot&cursor=bm9uc2Vuc2U")

    assert (answer.status_code, answer.headers["location"]) == (303, "/?q=bot&order=name")


@pytest.mark.parametrize("query", ["sync=Clean", "order=size", "down=perhaps", "descending=perhaps", "unheard-of=1"])
async def test_a_filter_that_does_not_exist_is_refused(house: House, query: str) -> None:
    async with signed_in(house) as client:
        assert (await client.get(f"/?{query}")).status_code == 422


async def test_a_change_that_many_share_is_reviewed_together(house: House) -> None:
    async with house.store.begin() as uow:
        for number in range(5):
            await uow.plans.add(a_plan(f"same_{number}", chatbot_id=f"bot_s{number}", change="c" * 64))
    async with signed_in(house) as client:
        text = (await client.get("/")).text

    assert "5 plans do the same" in text
    assert links(text, "Review them together") == [f"/plans/groups/{'c' * 64}"]


async def test_the_plot_has_its_figures_in_words(house: House) -> None:
    await compare_all(house)
    await drift(house)
    async with signed_in(house) as client:
        text = (await client.get("/")).text

    svg = text[text.index("<svg") : text.index("</svg>")]
    assert 'role="img"' in svg
    assert "<title" in svg
    # nothing is known of the days before the service was there
    assert "Chatbots out of sync in the 3 d that are known" in svg
    assert "1 on 2026-03-01, 3 on 2026-03-04; at most 3 on 2026-03-04, at least 1 on 2026-03-01." in svg
    assert "style" not in svg
    assert '<th scope="row">2026-03-02</th><td>2</td><td>2</td>' in text


async def test_the_plot_says_when_chatbots_were_unknown_and_what_peaked_between(house: House) -> None:
    await compare_all(house)
    await drift(house)
    house.clock.advance(3600)
    seen = {"sync": Sync.OUT_OF_SYNC, "direction": Direction.GIT_AHEAD}
    for change in ({"sync": Sync.UNKNOWN, "direction": Direction.UNKNOWN}, seen):
        async with house.store.begin() as uow:
            await uow.chatbots.add(a_chatbot(f"short_{change['sync']}", source="main", sync=Sync.OUT_OF_SYNC))
        await save(house, "drift_0", change)
        await save(house, "drift_1", change)
        house.clock.advance(60)
        await save(house, f"short_{change['sync']}", {"sync": Sync.SYNCED})
    house.clock.advance(6 * 3600)
    async with signed_in(house) as client:
        text = unescape((await client.get("/")).text)

    svg = text[text.index("<svg") : text.index("</svg>")]
    assert "at most 4 on 2026-03-04, at least 1" in svg, "it was four for a minute"
    period = re.search(r"unknown for up to 2 of \d+ from (2026-03-04 \d\d:\d\d) to (2026-03-04 \d\d:\d\d) \(UTC\)", svg)
    assert period is not None
    assert text.count(period[0]) == 2, "where it is drawn, and beside it"
    assert '<path class="unknown" d="M' in svg
    assert '<th scope="col">Unknown at most</th>' in text


async def compare_all(house: House) -> None:
    """Let nothing be Unknown at first."""
    for chatbot_id in ("bot_1", "bot_2"):
        await save(house, chatbot_id, {"sync": Sync.SYNCED, "direction": Direction.IN_SYNC})


async def save(house: House, chatbot_id: str, change: Mapping[str, Any]) -> None:
    async with house.store.begin() as uow:
        found = await uow.chatbots.get("acme", chatbot_id)
        assert found is not None
        await uow.chatbots.save(drifting(replace(found, **change), house.clock.now()))


async def test_the_plot_shows_a_fortnight_of_a_longer_history(house: House) -> None:
    await drift(house)
    house.clock.advance(20 * 86_400)
    async with signed_in(house) as client:
        text = (await client.get("/")).text
    assert "Chatbots out of sync in the last 14 days" in text


async def test_all_applies_are_stopped_and_let_go_from_the_fleet_page(house: House) -> None:
    async with signed_in(house, "operator") as operator, signed_in(house, "viewer") as viewer:
        stopped = await operator.post("/suspend", data={"scope": "all", "back": "/", "reason": "release freeze"})
        seen = (await viewer.get("/")).text
        resumed = await operator.post("/resume", data={"scope": "all", "back": "/"})
        after = (await viewer.get("/")).text

    assert [(each.status_code, each.headers["location"]) for each in (stopped, resumed)] == [(303, "/")] * 2
    assert "<b>All applies are suspended</b> by operator" in seen
    assert "release freeze" in seen
    assert 'action="/suspend"' not in seen, "who may not is not asked"
    assert "All applies are suspended" not in after


async def test_a_suspended_chatbot_is_named_above_everything_else(house: House) -> None:
    async with signed_in(house, "operator") as operator:
        await operator.post("/suspend", data={"scope": "chatbot/bot_2", "back": "/", "reason": "release freeze"})
        text = (await operator.get("/")).text
    assert '<b>The chatbot <a href="/chatbots/acme/bot_2">Careers</a> is suspended</b> by operator' in text


async def test_a_token_of_some_sources_sees_only_what_is_of_these(house: House) -> None:
    await drift(house)
    async with house.store.begin() as uow:
        for name, number in (("main", 1), ("side", 2)):
            await uow.runs.add(a_run(f"run_{name}_again", source=name, message=f"of {name}"))
            await uow.chatbots.add(a_chatbot(f"odd_{number}", source=name, sync=Sync.OUT_OF_SYNC))
    async with signed_in(house, "main-only") as client:
        fleet, runs, sources = [(await client.get(path)).text for path in ("/", "/runs", "/sources")]
        others = [(await client.get(path)) for path in ("/runs/run_side", "/runs?source=side")]
        refused = [await client.post(f"/sources/side/{call}", data={}) for call in ("refresh", "accept")]

    assert "odd_1" in fleet
    assert "of main" in runs
    assert "Source main" in sources
    shown = fleet + runs + sources
    assert not any(other in shown for other in ("odd_2", "run_side", "of side", ">side<", "#side", "Source side"))
    assert [answer.status_code for answer in others] == [404, 200]
    assert "There was no run of this source" in others[1].text
    assert [answer.status_code for answer in refused] == [404, 404]


async def test_runs_are_listed_with_what_they_did(house: House) -> None:
    async with house.store.begin() as uow:
        counts = Counts(documents=387, dry_runs=12, plans=2, errors=1)
        began = START + timedelta(seconds=2)
        await uow.runs.add(
            a_run("run_1", created_at=began, started_at=began, finished_at=began + timedelta(seconds=34), counts=counts)
        )
    async with signed_in(house) as client:
        text = (await client.get("/runs?source=main")).text

    assert "387 documents, 12 dry runs, 2 plans" in text
    assert "1 error<" in text
    assert '<td role="cell" data-label="Took">34 s</td>' in text
    assert text.index("/runs/run_1") < text.index("/runs/run_main")
    assert "/runs/run_side" not in text


async def test_many_runs_come_in_parts_of_the_same_source(house: House) -> None:
    async with house.store.begin() as uow:
        for number in range(60):
            await uow.runs.add(a_run(f"run_{number:02}", created_at=START + timedelta(minutes=number)))
    async with signed_in(house) as client:
        first = (await client.get("/runs?source=main")).text
        second = (await client.get(links(first, "Next")[0])).text
        anew = await client.get("/runs?cursor=bm9uc2Vuc2U")

    assert first.count("/runs/run_") == 50
    assert second.count("/runs/run_") == 11
    assert (anew.status_code, anew.headers["location"]) == (303, "/runs")


async def failed_documents(house: House, *diagnostics: Diagnostic, **files: str) -> str:
    git = house.engine.sources["main"].port
    assert isinstance(git, Git)
    git.files.update({f"chatbots/{name}.yaml": text for name, text in files.items()})
    async with house.store.begin() as uow:
        await uow.runs.add(a_run("run_bad", revision=REVISION, diagnostics=diagnostics))
    async with signed_in(house) as client:
        return (await client.get("/runs/run_bad")).text


async def test_a_finding_shows_its_place_and_its_lines(house: House) -> None:
    found = Diagnostic(
        Severity.ERROR, "the key modee is unknown", "chatbots/a.yaml", 4, 5, "spec.skills[0].modee", "mode"
    )
    warning = Diagnostic(Severity.WARNING, "it is long", "chatbots/gone.yaml", 1, 1)
    text = await failed_documents(house, warning, found, a="one: 1\ntwo: 2\nthree: 3\n    modee: x\nfive: 5\n")

    assert "2 findings in the documents" in text
    assert text.index("chatbots/a.yaml:4:5") < text.index("chatbots/gone.yaml:1:1"), "errors first"
    assert "spec.skills[0].modee" in text
    assert "Did you mean <code>mode</code>?" in text
    marked = re.findall(r'<tr class="here"><th scope="row">.*?(\d+)</th><td>(.*?)</td></tr>', text)
    assert marked == [("4", "    modee: x")]
    assert ">two: 2<" in text
    assert ">one: 1<" not in text


async def test_no_key_and_no_unseen_character_of_a_file_is_shown(house: House) -> None:
    found = Diagnostic(Severity.ERROR, f"no key {NASTY}", "chatbots/a.yaml", 2, 1, NASTY)
    text = await failed_documents(house, found, a=f"key: {KEY}\nbad: {NASTY}\x00\ufffd\n")

    assert KEY not in text
    assert "key: [a WizChat API key]" in text
    assert "<script>alert" not in text
    assert not any(char in text for char in ("\u202e", "\x1b", "\x00"))
    assert r"alert(1)&lt;/script&gt;\u202e\x1b\x00" in text


async def test_of_very_many_findings_the_rest_is_counted(house: House) -> None:
    many = [Diagnostic(Severity.ERROR, f"wrong {number}", "chatbots/a.yaml", 1, 1) for number in range(130)]
    text = await failed_documents(house, *many, a="x")

    assert text.count("Wrong ") == 100
    assert "30 more are listed by <code>GET /api/v1/runs/run_bad</code>" in text


async def test_sources_say_what_was_read_and_when(house: House) -> None:
    async with house.store.begin() as uow:
        record = await uow.sources.get("main")
        assert record is not None
        await uow.sources.save(
            replace(record, next_run_at=START + timedelta(minutes=4), git_checked_at=START, brake="too many deletes")
        )
    house.clock.advance(60)
    async with signed_in(house) as client:
        text = (await client.get("/sources")).text

    assert re.search(r"<dt>Next run</dt><dd><time [^>]*>in 3 min</time>", text)
    assert re.search(r"<dt>Git asked</dt><dd><time [^>]*>1 min ago</time>", text)
    assert "because of too many deletes" in text
    assert "You cannot refresh it: this needs the role operator; viewer has viewer." in text
    assert 'action="/sources/' not in text


async def test_a_run_that_should_have_begun_is_due(house: House) -> None:
    async with house.store.begin() as uow:
        record = await uow.sources.get("main")
        assert record is not None
        await uow.sources.save(replace(record, next_run_at=house.clock.now() + timedelta(seconds=1)))
    async with signed_in(house) as client:
        for _ in range(2):
            fleet, sources = [(await client.get(path)).text for path in ("/", "/sources")]
            assert re.search(r"next <time [^>]*>due now</time>", fleet)
            assert re.search(r"<dt>Next run</dt><dd><time [^>]*>due now</time>", sources)
            house.clock.advance(600)


async def untrusted(house: House) -> None:
    """A source whose remote names a revision that is not trusted by itself."""
    async with house.store.begin() as uow:
        record = await uow.sources.get("main")
        assert record is not None
        record = replace(record, state=SourceState.UNKNOWN, cause="HistoryRewritten", seen_revision=REVISION)
        await uow.sources.save(replace(record, message=f"rewritten {NASTY}"))


async def test_a_source_is_refreshed_from_its_page(house: House) -> None:
    async with signed_in(house, "operator") as client:
        answer = await client.post("/sources/main/refresh")
        run = await client.get(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/run_new0002")
    assert "queued" in run.text
    stored = await house.store.queries.run("run_new0002")
    assert stored is not None
    assert (stored.status, stored.full) == (RunStatus.QUEUED, True)


async def test_a_revision_is_accepted_from_the_page_that_shows_it(house: House) -> None:
    await untrusted(house)
    async with signed_in(house, "approver") as client:
        shown = (await client.get("/sources")).text
        assert "The source was read, but what it says now is not trusted" in shown
        assert "cannot be read" not in shown
        assert 'action="/sources/main/accept"' in shown
        assert f'name="revision" value="{REVISION}"' in shown
        answer = await client.post("/sources/main/accept", data={"revision": REVISION, "reason": "looked at"})
        after = (await client.get("/sources")).text

    assert (answer.status_code, answer.headers["location"]) == (303, "/sources#main")
    assert 'action="/sources/main/accept"' not in after
    records = {record.name: record for record in await house.store.queries.sources()}
    assert (records["main"].state, records["main"].good_revision) == (SourceState.READY, REVISION)


async def test_an_acceptance_that_is_refused_keeps_what_was_typed(house: House) -> None:
    await untrusted(house)
    async with signed_in(house, "approver") as client:
        other = await client.post("/sources/main/accept", data={"revision": "d" * 40, "reason": f"my words {NASTY}"})
        empty = await client.post("/sources/main/accept", data={"revision": REVISION, "reason": "  "})

    assert (other.status_code, empty.status_code) == (409, 422)
    assert 'role="alert"' in other.text
    assert "The revision was not seen: the remote of source main is at" in other.text
    assert "my words &lt;script&gt;" in other.text
    assert "<script>alert" not in other.text
    assert "correct these fields: reason" in empty.text
    assert await refusals(house) == [("source.accept.refused", "source/main")]


async def test_who_may_not_accept_is_told_so(house: House) -> None:
    await untrusted(house)
    async with signed_in(house, "operator") as client:
        shown = (await client.get("/sources")).text
        answer = await client.post("/sources/main/accept", data={"revision": REVISION, "reason": "x"})

    assert "You cannot accept it: this needs the role approver; operator has operator." in shown
    assert 'action="/sources/main/accept"' not in shown
    assert 'action="/sources/main/refresh"' in shown
    assert answer.status_code == 403
    assert await refusals(house) == [("source.accept.refused", "source/main")]


async def test_nothing_in_a_value_becomes_markup(house: House) -> None:
    await untrusted(house)
    async with house.store.begin() as uow:
        await uow.runs.add(a_run("run_x", message=NASTY, status=RunStatus.FAILED))
        bot = a_chatbot(NASTY, name=NASTY, message=NASTY, labels={NASTY: NASTY}, source="main", sync=Sync.OUT_OF_SYNC)
        await uow.chatbots.add(bot)
    async with signed_in(house, "admin") as client:
        for path in ("/", f"/?q={NASTY[:25]}", "/?label=%3Cscript%3E", "/runs", "/runs/run_x", "/sources"):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert not any(bad in answer.text for bad in ("<script>alert", "\u202e", "\x1b", " style=")), path
