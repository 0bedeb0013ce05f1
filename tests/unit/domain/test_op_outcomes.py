import pytest

from reconciler.domain.entities import Apply
from reconciler.domain.lifecycle import ApplyStatus
from reconciler.domain.op_outcomes import OpOutcome, op_outcome_counts, op_outcomes
from reconciler.domain.plan import Action, Op
from tests.support.records import an_apply

CORE = Op("core", Action.UPDATE, None, {"name": "a"}, {"name": "b"}, ("name",))
SKILL = Op("skills", Action.CREATE, "refunds", None, {"name": "refunds"})
DOMAIN = Op("domains", Action.DELETE, "old.example", {"domain": "old.example"}, None)
OPS = (CORE, SKILL, DOMAIN)
PARTLY = ApplyStatus.PARTIALLY_APPLIED


def test_what_is_told_is_done_where_it_stopped_failed_and_the_rest_was_not_tried() -> None:
    failed = {"op": {"section": "skills", "action": "create", "key": "refunds"}, "message": "no"}
    apply = an_apply(status=PARTLY, applied=({"section": "core", "action": "update", "key": "core"},), failed=failed)
    assert op_outcomes(OPS, apply) == (OpOutcome.DONE, OpOutcome.FAILED, OpOutcome.NOT_TRIED)


def test_what_was_nothing_to_do_is_not_done_by_it() -> None:
    applied = ({"section": "core", "action": "noop"}, {"section": "skills", "key": "refunds", "noop": True})
    apply = an_apply(status=ApplyStatus.FAILED, applied=applied, failed={"op": {"section": "domains", "key": "x"}})
    assert op_outcomes(OPS, apply) == (OpOutcome.NOT_TRIED,) * 3


def test_of_a_read_back_only_what_is_done_is_known() -> None:
    apply = an_apply(status=PARTLY, applied=(op_outcome_counts(CORE), op_outcome_counts(DOMAIN)))
    assert op_outcomes(OPS, apply) == (OpOutcome.DONE, OpOutcome.NOT_DONE, OpOutcome.DONE)


@pytest.mark.parametrize(
    "apply",
    [
        None,
        an_apply(),
        an_apply(status=ApplyStatus.APPLIED, applied=(op_outcome_counts(CORE),)),
        an_apply(status=ApplyStatus.FAILED, failed={"message": "it names no op"}),
        an_apply(status=ApplyStatus.OUTCOME_UNKNOWN),
    ],
)
def test_where_all_or_nothing_is_known_no_op_is_marked(apply: Apply | None) -> None:
    assert op_outcomes(OPS, apply) == (None, None, None)
