from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from reconciler.domain.entities import Chatbot, SourceState
from reconciler.domain.listing import ChatbotOrder, FleetCounts, Page
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.ports import Budget
from reconciler.web.fleet.filters import FilterOption, FleetQuery, chips, heads, tiles
from reconciler.web.fleet.fleet_status import FleetStatus
from reconciler.web.fleet.page_view import FleetPage, FleetPageData, fleet_page, headline
from reconciler.web.ui.badges import reason_words
from reconciler.web.ui.layout import SIGNED_OUT
from tests.fakes.clock import START
from tests.support.records import a_chatbot, a_run, a_source

COUNTS = FleetCounts(
    sync={Sync.SYNCED: 372, Sync.OUT_OF_SYNC: 13, Sync.UNKNOWN: 2},
    direction={Direction.GIT_AHEAD: 7, Direction.LIVE_AHEAD: 4, Direction.DIVERGED: 2, Direction.UNKNOWN: 2},
    reason={Reason.IN_SYNC: 372, Reason.AWAITING_APPROVAL: 13, Reason.CHATBOT_MISSING: 2},
    open_plans={},
)


def asked(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def named(choices: Sequence[FilterOption], words: str) -> FilterOption:
    return next(each for each in choices if each.sign.words == words)


def page(query: FleetQuery | None = None, *chatbots: Chatbot, cursor: str | None = None, **seen: object) -> FleetPage:
    known = {"counts": COUNTS, "sources": (), "runs": {}, "budgets": {}, **seen}
    read = FleetPageData(now=START, fleet=FleetStatus(**known), chatbots=Page(chatbots, cursor))  # type: ignore[arg-type]  # a test's own
    return fleet_page(SIGNED_OUT, query or FleetQuery(), read)


@pytest.mark.parametrize(
    ("synced", "differing", "unknown", "alone", "says"),
    [
        (3, 0, 0, 0, "3 chatbots, none differs from git"),
        (2, 1, 0, 0, "3 chatbots, 1 differs from git"),
        (1, 2, 0, 1, "4 chatbots, 2 differ from git, 1 without a document"),
        (40, 0, 360, 0, "400 chatbots, 40 of 400 compared, none of these differs from git"),
        (30, 10, 360, 5, "405 chatbots, 40 of 400 compared, 10 of these differ from git, 5 without a document"),
        (0, 0, 1, 0, "1 chatbot, none of 1 compared"),
        (0, 0, 0, 2, "2 chatbots, 2 without a document"),
        (0, 0, 0, 0, "No chatbot is known yet"),
    ],
)
def test_the_headline_says_no_more_than_was_compared(
    synced: int, differing: int, unknown: int, alone: int, says: str
) -> None:
    counts = FleetCounts(
        sync={Sync.SYNCED: synced, Sync.OUT_OF_SYNC: differing, Sync.UNKNOWN: unknown + alone},
        direction={},
        reason={Reason.UNAUTHORIZED: unknown, Reason.UNMANAGED: alone // 2, Reason.ORPHANED: alone - alone // 2},
        open_plans={},
    )
    assert headline(counts) == says


def test_a_field_left_empty_is_no_filter() -> None:
    assert FleetQuery.model_validate({"q": "", "sync": "", "source": "", "label": ""}) == FleetQuery()
    with pytest.raises(ValidationError):
        FleetQuery.model_validate({"sync": "Clean"})


def test_a_filter_keeps_the_others_and_begins_the_list_anew() -> None:
    query = FleetQuery(q="a&b", label="team=x", order=ChatbotOrder.NAME, descending=True, cursor="abc")

    kept = {"q": "a&b", "label": "team=x", "order": "name", "descending": "yes"}
    assert asked(named(tiles(query, COUNTS), "out of sync").path) == {**kept, "sync": "OutOfSync"}
    assert asked(named(chips(query, COUNTS), "awaiting approval").path) == {**kept, "reason": "AwaitingApproval"}
    assert asked(query.path(cursor="next")) == {**kept, "cursor": "next"}
    assert asked(query.path(cursor=None)) == kept


def test_an_address_that_was_kept_says_descending_by_its_old_name() -> None:
    kept = FleetQuery.model_validate({"order": "name", "down": "yes"})
    assert kept == FleetQuery(order=ChatbotOrder.NAME, descending=True)
    assert asked(kept.path()) == {"order": "name", "descending": "yes"}
    assert FleetQuery.model_validate({"down": ""}) == FleetQuery()
    assert FleetQuery.model_validate({"down": "yes", "descending": "no"}) == FleetQuery()
    with pytest.raises(ValidationError):
        FleetQuery.model_validate({"down": "perhaps"})


def test_a_tenant_is_chosen_where_there_are_several() -> None:
    sources = [a_source("main"), a_source("side", tenant="zeta"), a_source("more", tenant="acme")]
    assert page(sources=sources).tenant_names == ["acme", "zeta"]
    assert page(FleetQuery(tenant="left"), sources=sources).tenant_names == ["acme", "left", "zeta"]
    assert not FleetQuery(tenant="acme").is_all
    assert FleetQuery(order=ChatbotOrder.NAME, descending=True).is_all


def test_no_chip_repeats_a_tile_unless_it_is_chosen_or_counts_others() -> None:
    shown = [each.sign.words for each in page().chips]
    assert shown == ["awaiting approval", "chatbot missing"]
    assert "nothing to do" in [each.sign.words for each in page(FleetQuery(reason=Reason.IN_SYNC)).chips]
    more = replace(COUNTS, direction={**COUNTS.direction, Direction.UNKNOWN: 3})
    assert "side unknown" in [each.sign.words for each in page(counts=more).chips]


def test_no_chip_counts_something_else_under_the_name_of_a_tile() -> None:
    counts = replace(COUNTS, reason={**COUNTS.reason, Reason.IN_SYNC: 16, Reason.SOURCE_UNKNOWN: 356})
    shown = page(counts=counts)
    numbers = {each.sign.words: each.count for each in shown.tiles}
    assert all(numbers.get(each.sign.words, each.count) == each.count for each in shown.chips)
    assert ("nothing to do", 16) in [(each.sign.words, each.count) for each in shown.chips]


def test_a_filter_that_is_chosen_is_left_by_its_own_link() -> None:
    query = FleetQuery(sync=Sync.OUT_OF_SYNC, reason=Reason.READ_ONLY)

    chosen = [each for each in (*tiles(query, COUNTS), *chips(query, COUNTS)) if each.chosen]
    assert [(each.sign.words, each.count) for each in chosen] == [("out of sync", 13), ("read only", 0)]
    assert [asked(each.path) for each in chosen] == [{"reason": "ReadOnly"}, {"sync": "OutOfSync"}]


def test_filters_that_leave_nothing_together_replace_each_other() -> None:
    by_side, by_sync = FleetQuery(direction=Direction.GIT_AHEAD), FleetQuery(sync=Sync.SYNCED)

    assert asked(named(tiles(by_side, COUNTS), "in sync").path) == {"sync": "Synced"}
    assert asked(named(tiles(by_side, COUNTS), "out of sync").path) == {"sync": "OutOfSync", "direction": "GitAhead"}
    assert asked(named(tiles(by_sync, COUNTS), "git ahead").path) == {"direction": "GitAhead"}


def test_the_counts_are_said_the_most_frequent_reason_first() -> None:
    assert [each.count for each in tiles(FleetQuery(), COUNTS)] == [372, 13, 2, 7, 4, 2]
    assert [(each.sign.words, each.count) for each in chips(FleetQuery(), COUNTS)] == [
        ("side unknown", 2),
        ("nothing to do", 372),
        ("awaiting approval", 13),
        ("chatbot missing", 2),
    ]


def test_a_column_is_ordered_by_and_then_turned_round() -> None:
    name, state, since = heads(FleetQuery(sync=Sync.OUT_OF_SYNC))
    assert (name.sorted, state.sorted, since.sorted) == (None, "ascending", None)
    assert asked(since.path) == {"sync": "OutOfSync", "order": "drifted"}
    assert asked(state.path) == {"sync": "OutOfSync", "descending": "yes"}
    turned = heads(FleetQuery(order=ChatbotOrder.NAME, descending=True))[0]
    assert (turned.sorted, asked(turned.path)) == ("descending", {"order": "name"})


def test_every_reason_reads_as_words() -> None:
    assert reason_words(Reason.BLOCKED_BY_DELETE_GATE) == "blocked by delete gate"
    assert all(words == words.strip().lower() for words in map(reason_words, Reason))


def test_a_chatbot_leads_to_its_page_and_says_since_when() -> None:
    drifted = a_chatbot("a/b?c", labels={"team": "x=y"}, drifted_at=START - timedelta(days=3))
    (row,) = page(FleetQuery(sync=Sync.OUT_OF_SYNC), drifted, cursor="abc").rows

    assert row.path == "/chatbots/acme/a%2Fb%3Fc"
    assert row.drifted is not None
    assert row.drifted.words == "3 d"
    ((words, path),) = row.labels
    assert (words, asked(path)) == ("team=x=y", {"sync": "OutOfSync", "label": "team=x=y"})


def test_the_next_part_is_of_the_same_list() -> None:
    shown = page(FleetQuery(q="x", cursor="abc"), a_chatbot("bot_1"), cursor="def")
    assert shown.next_page is not None
    assert asked(shown.next_page) == {"q": "x", "cursor": "def"}
    assert page(FleetQuery(q="x")).next_page is None


def test_what_is_left_of_the_calls_is_said() -> None:
    blocked = START + timedelta(minutes=5)
    budgets = {
        "acme": Budget(600, 50_000, 1204, None),
        "over": Budget(600, 100, 120, blocked),
        "free": Budget(600, None, 3, START - timedelta(minutes=5)),
    }
    left = page(budgets=budgets).left

    assert [(each.tenant, each.calls) for each in left] == [("acme", 48_796), ("over", 0), ("free", None)]
    assert [each.blocked.words if each.blocked else None for each in left] == [None, "5 min", None]


def test_a_source_whose_applies_are_suspended_is_not_called_unready() -> None:
    suspended = a_source("main", state=SourceState.SUSPENDED)
    assert page(sources=(suspended, a_source("side"))).troubled == 0


def test_when_sources_were_looked_at_is_said() -> None:
    ready = a_source("main", next_run_at=START + timedelta(minutes=4))
    unknown = a_source("side", state=SourceState.UNKNOWN)
    run = a_run("run_1", finished_at=START - timedelta(seconds=40))
    shown = page(sources=(ready, unknown), runs={"main": run})

    assert (shown.few_sources, shown.troubled, shown.source_names) == (True, 1, ["main", "side"])
    main, side = shown.sources
    assert main.ran is not None
    assert main.next is not None
    assert (main.ran.words, main.next.words, main.next.ahead) == ("40 s", "4 min", True)
    assert (side.ran, side.next) == (None, None)
