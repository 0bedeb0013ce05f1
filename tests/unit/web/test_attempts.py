"""An attempt to sign in lasts ten minutes, by the clock that nobody can set."""

import pytest

from reconciler.errors import LoginRefused
from reconciler.web.login.attempts import LASTS, LoginAttempts
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize("jump", [-2 * 86_400, -3600, 0, 3600])
def test_an_attempt_ends_after_its_time_however_the_wall_clock_is_set(jump: int) -> None:
    clock = FakeClock()
    attempts = LoginAttempts(clock, "https://reconciler.example.com/login/callback")
    cookies = [attempts.begin("/plans") for _ in range(2)]
    clock.jump(jump)
    clock.advance(LASTS.total_seconds() - 1)
    cookie, attempt = cookies[0]
    assert attempts.take(cookie, attempt.state) == (attempt, "/plans")
    clock.advance(2)
    cookie, attempt = cookies[1]
    with pytest.raises(LoginRefused):
        attempts.take(cookie, attempt.state)
