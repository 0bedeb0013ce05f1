"""The fleet brake, against its rule said a second time."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.circuit_breaker import FEW, Fleet, Stake, breaker_reason, cause_of, concerning
from reconciler.domain.policy import Policy
from reconciler.domain.status import Direction

GIT, LIVE = Direction.GIT_AHEAD, Direction.LIVE_AHEAD


def stake(
    number: int, *, losses: int = 0, revision: str = "r1", direction: Direction = GIT, open_: bool = True
) -> Stake:
    return Stake(f"bot_{number}", revision, direction, losses, open_)


def changed(count: int, *, losses: int = 0) -> list[Stake]:
    return [stake(number, losses=losses) for number in range(count)]


def test_exactly_the_limits_pass() -> None:
    policy = Policy(fleet_max_deletes=5, fleet_max_share=0.3)
    assert breaker_reason(changed(5, losses=9), Fleet(100), policy, "here") is None
    assert breaker_reason(changed(30), Fleet(100), policy, "here") is None


def test_more_than_the_limits_print_count_limit_and_setting() -> None:
    policy = Policy(fleet_max_deletes=5, fleet_max_share=0.3)
    said = breaker_reason(changed(6, losses=1), Fleet(100), policy, "at revision r1")
    assert said == "policy.fleet_max_deletes = 5 at revision r1: its plans take something away from 6 chatbots"
    said = breaker_reason(changed(31), Fleet(100), policy, "at revision r1")
    assert said == "policy.fleet_max_share = 0.3 at revision r1: its plans change 31 of 100 chatbots"


def test_a_chatbot_with_several_plans_counts_once() -> None:
    assert breaker_reason(changed(5, losses=1) * 3, Fleet(100), Policy(fleet_max_deletes=5), "here") is None


def test_the_cause_stays_while_the_count_grows() -> None:
    causes = {
        cause_of(breaker_reason(changed(count, losses=1), Fleet(100), Policy(), "here") or "") for count in range(6, 20)
    }
    assert causes == {"policy.fleet_max_deletes = 5 here"}


def test_what_counts_together() -> None:
    mine = stake(1)
    others = [
        stake(2, open_=False),
        stake(3, revision="r0"),
        stake(4, direction=LIVE, revision="r0"),
        stake(5, direction=LIVE, open_=False),
        stake(6, direction=Direction.UNKNOWN),
    ]
    together = concerning([mine, *others], "r1", GIT)
    assert [each.chatbot_id for each in together] == ["bot_1", "bot_2", "bot_6"]
    assert [each.chatbot_id for each in concerning([mine, *others], "r1", LIVE)] == ["bot_4"]


STAKES = st.lists(st.builds(stake, st.integers(0, 40), losses=st.integers(0, 2)), max_size=60)
POLICIES = st.builds(Policy, fleet_max_deletes=st.integers(0, 10), fleet_max_share=st.floats(0, 1))


@given(STAKES, st.integers(0, 60), st.integers(0, 5), POLICIES)
def test_it_is_on_exactly_when_a_limit_is_exceeded(
    stakes: list[Stake], chatbots: int, uncompared: int, policy: Policy
) -> None:
    losing = {each.chatbot_id for each in stakes if each.losses > 0} | {f"unseen_{n}" for n in range(uncompared)}
    touched = {each.chatbot_id for each in stakes} | {f"unseen_{n}" for n in range(uncompared)}
    too_many = len(losing) > policy.fleet_max_deletes
    too_much = len(touched) > FEW and (chatbots == 0 or len(touched) / chatbots > policy.fleet_max_share)
    assert (breaker_reason(stakes, Fleet(chatbots, uncompared), policy, "here") is not None) == (too_many or too_much)


@given(STAKES, STAKES, st.integers(0, 60), POLICIES)
def test_more_plans_never_release_it(stakes: list[Stake], more: list[Stake], chatbots: int, policy: Policy) -> None:
    if breaker_reason(stakes, Fleet(chatbots), policy, "here") is not None:
        assert breaker_reason([*stakes, *more], Fleet(chatbots), policy, "here") is not None
