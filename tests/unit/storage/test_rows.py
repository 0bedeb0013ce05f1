"""What is kept comes back exactly, also through JSON text."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import JSON
from sqlalchemy.dialects import sqlite

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Chatbot, Counts, Plan, Run, RunStatus, Trigger
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import Action, Op, Summary
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.storage.rows import CHATBOTS, PLANS, RUNS, Codec
from reconciler.storage.tables import UtcDateTime

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maybe = st.none() | texts
moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json_values, max_size=4)
numbers = st.integers(min_value=0, max_value=2**31 - 1)
directions = st.sampled_from(Direction)

ops = st.builds(
    Op,
    section=texts,
    action=st.sampled_from(Action),
    key=maybe,
    before=st.none() | objects,
    after=st.none() | objects,
    changed_fields=st.lists(texts, max_size=3).map(tuple),
)
plans = st.builds(
    Plan,
    status=st.sampled_from(PlanStatus),
    reason=st.sampled_from(Reason),
    body=objects,
    ops=st.lists(
        st.builds(DirectedOp, ops, directions, st.dictionaries(texts, directions, max_size=3)), max_size=3
    ).map(tuple),
    summary=st.builds(Summary, numbers, numbers, numbers, numbers),
    created_at=moments,
    expires_at=moments,
    closed_at=st.none() | moments,
)
runs = st.builds(
    Run,
    trigger=st.sampled_from(Trigger),
    status=st.sampled_from(RunStatus),
    created_at=moments,
    started_at=st.none() | moments,
    finished_at=st.none() | moments,
    counts=st.builds(Counts, documents=numbers, errors=numbers),
    diagnostics=st.lists(
        st.builds(Diagnostic, st.sampled_from(Severity), texts, maybe, st.none() | numbers), max_size=3
    ).map(tuple),
)
chatbots = st.builds(
    Chatbot,
    labels=st.dictionaries(texts, texts, max_size=3),
    sync=st.sampled_from(Sync),
    direction=directions,
    fault=st.none() | st.sampled_from(Reason),
    checked_at=st.none() | moments,
    live_updated_at=st.none() | moments,
)


def _back(codec: Codec[Any], record: Any) -> Any:
    """Through the row, with JSON columns as text in between."""
    row = codec.to_row(record)
    kept = {
        name: json.loads(json.dumps(value)) if isinstance(codec.table.c[name].type, JSON) else value
        for name, value in row.items()
    }
    return codec.from_row(kept)


@given(plans)
def test_a_plan_comes_back_exactly(plan: Plan) -> None:
    assert _back(PLANS, plan) == plan


@given(runs)
def test_a_run_comes_back_exactly(run: Run) -> None:
    assert _back(RUNS, run) == run


@given(chatbots)
def test_a_chatbot_comes_back_exactly(chatbot: Chatbot) -> None:
    back = _back(CHATBOTS, chatbot)
    assert back == chatbot
    assert isinstance(back.sync, Sync)


@given(objects)
def test_numbers_keep_their_kind(body: dict[str, Any]) -> None:
    plan = _back(PLANS, replace(_A_PLAN, body=body))
    assert json.dumps(plan.body, sort_keys=True) == json.dumps(body, sort_keys=True)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        UtcDateTime().process_bind_param(datetime(2026, 3, 1), sqlite.dialect())  # noqa: DTZ001  the very thing refused


def test_times_come_back_as_utc() -> None:
    column, dialect = UtcDateTime(), sqlite.dialect()
    east = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    bound = column.process_bind_param(east, dialect)
    assert bound is not None
    restored = column.process_result_value(bound.replace(tzinfo=None), dialect)
    assert restored == east
    assert restored is not None
    assert restored.tzinfo is UTC


_A_PLAN = Plan(
    id="p",
    tenant="t",
    chatbot_id="c",
    source="s",
    path="x",
    revision="r",
    status=PlanStatus.PENDING,
    reason=Reason.APPROVED,
    message="",
    fingerprint="f",
    body={},
    ops=(),
    summary=Summary(),
    direction=Direction.UNKNOWN,
    approvals_required=1,
    delete_override=None,
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    expires_at=datetime(2026, 3, 8, tzinfo=UTC),
)
