from datetime import UTC, datetime, timedelta

import pytest

from reconciler.domain.access import Session

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TTL = timedelta(hours=8)


def a_session(begun: datetime) -> Session:
    return Session(id="session_1", hash="a" * 64, person="ann", token_id=None, created_at=begun, expires_at=begun + TTL)


@pytest.mark.parametrize(
    ("begun", "stands"),
    [
        (NOW, True),
        (NOW - TTL + timedelta(seconds=1), True),
        (NOW - TTL, False),
        (NOW + timedelta(minutes=5), True),
        (NOW + timedelta(minutes=6), False),
        (NOW + timedelta(days=2), False),
    ],
)
def test_a_session_stands_for_its_time_and_not_when_it_began_in_a_future_that_never_came(
    begun: datetime,
    stands: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    assert a_session(begun).is_valid(NOW) is stands
