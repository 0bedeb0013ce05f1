"""docs/retention.md decides for every table, and names what the code has."""

from reconciler.engine.retention import MAX_AT_ONCE, SESSIONS_KEPT
from reconciler.settings.sections import DataSettings
from reconciler.storage.packing import LONGEST_WITHIN
from reconciler.storage.tables import metadata
from tests.docs.pages import page, table_rows

PAGE = page("retention.md")


def test_there_is_a_decision_for_every_table() -> None:
    rows = table_rows(PAGE, "Table by table")

    assert sorted(name for name, *_ in rows) == sorted(metadata.tables)
    assert [name for name, goes, *_ in rows if not goes] == []


def test_the_figures_are_those_of_the_code() -> None:
    data = DataSettings()

    assert f"`data.runs` ({data.runs.days} days)" in PAGE
    assert f"`data.plans` ({data.plans.days} days)" in PAGE
    assert f"{SESSIONS_KEPT.days} days after it would have expired" in PAGE
    assert f"at most {MAX_AT_ONCE} rows of a kind" in PAGE
    assert f"more than {LONGEST_WITHIN // 1024} KiB" in PAGE
