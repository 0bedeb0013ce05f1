from reconciler.domain.lifecycle import MOVES, ApplyStatus, PlanStatus
from reconciler.domain.status import EXPLANATIONS, Direction, Reason, Sync
from tests.docs.pages import page, table_rows

PAGE = page("plan-lifecycle.md")


def test_every_plan_status_is_described() -> None:
    assert {row[0] for row in table_rows(PAGE, "States")} == set(PlanStatus)


def test_the_moves_are_the_programs() -> None:
    written = {row[0]: set(row[1].split(", ")) for row in table_rows(PAGE, "Moves")}

    assert written == {str(status): {str(to) for to in moves} for status, moves in MOVES.items() if moves}


def test_every_reason_says_what_the_program_says() -> None:
    spoken = {str(reason): text.replace("`", "") for reason, text in EXPLANATIONS.items()}

    assert {row[0]: row[1] for row in table_rows(PAGE, "Reasons")} == spoken


def test_every_reason_has_an_explanation() -> None:
    assert set(EXPLANATIONS) == set(Reason)


def test_sync_and_direction_words_are_described() -> None:
    words = {row[0] for row in table_rows(PAGE, "Sync and direction")}

    assert {*Sync, *Direction} <= words


def test_every_apply_status_is_named() -> None:
    assert [status for status in ApplyStatus if f"`{status}`" not in PAGE] == []
