"""In which order calls go."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.ports import APPLYING, RECHECKING, Purpose, Spender
from reconciler.targets.call_queue import STARVED_AFTER_S, STARVED_TURNS, CallQueue, QueuedCall

SWEEP_A, SWEEP_B = Spender(Purpose.FULL_SWEEP, "a"), Spender(Purpose.FULL_SWEEP, "b")
PUSH = Spender(Purpose.CHANGE, "a")
SPENDERS = st.builds(Spender, st.sampled_from(Purpose), st.sampled_from(["", "a", "b"]))


def queue_of(*spenders: Spender, since: float = 0.0) -> CallQueue[int]:
    queue: CallQueue[int] = CallQueue()
    for at, spender in enumerate(spenders):
        queue.add(QueuedCall(spender, since, at))
    return queue


def order(queue: CallQueue[int], now: float = 0.0, *, is_place_free: bool = True) -> list[Purpose]:
    popped = []
    while (call := queue.pop(now, is_place_free=is_place_free)) is not None:
        popped.append(call.spender.purpose)
    return popped


def test_the_purposes_go_in_the_order_that_is_promised() -> None:
    assert list(Purpose) == [
        Purpose.APPLY,
        Purpose.RECHECK,
        Purpose.LIVE_VIEW,
        Purpose.CHANGE,
        Purpose.PULL_REQUEST,
        Purpose.DRIFT,
        Purpose.FULL_SWEEP,
    ]
    assert order(queue_of(*(Spender(purpose) for purpose in reversed(Purpose)))) == list(Purpose)


def test_without_a_free_place_only_what_serves_an_apply_goes() -> None:
    queue = queue_of(SWEEP_A, RECHECKING, PUSH, APPLYING)
    assert order(queue, is_place_free=False) == [Purpose.APPLY, Purpose.RECHECK]
    assert order(queue) == [Purpose.CHANGE, Purpose.FULL_SWEEP]


def test_sources_of_a_tenant_take_turns() -> None:
    queue = queue_of(*[SWEEP_A] * 5, SWEEP_B, SWEEP_B)
    names = [call.spender.name for _ in range(7) if (call := queue.pop(0.0, is_place_free=True))]
    assert names == ["a", "b", "a", "b", "a", "a", "a"]


def test_the_least_urgent_is_not_held_off_for_ever() -> None:
    queue = queue_of(SWEEP_A)
    served = []
    for turn in range(2 * STARVED_TURNS):
        queue.add(QueuedCall(PUSH, STARVED_AFTER_S, turn))
        call = queue.pop(STARVED_AFTER_S, is_place_free=True)
        assert call is not None
        served.append(call.spender)
    assert served.index(SWEEP_A) == STARVED_TURNS - 1
    assert served.count(SWEEP_A) == 1


def test_nobody_overtakes_what_is_more_urgent_before_it_waited_long() -> None:
    queue = queue_of(SWEEP_A, since=1.0)
    for turn in range(3 * STARVED_TURNS):
        queue.add(QueuedCall(PUSH, 2.0, turn))
        call = queue.pop(STARVED_AFTER_S, is_place_free=True)
        assert call is not None
        assert call.spender == PUSH


@given(st.lists(SPENDERS, max_size=40), st.data())
def test_everything_that_waits_goes_once_or_is_removed(spenders: list[Spender], data: st.DataObject) -> None:
    queue: CallQueue[int] = CallQueue()
    calls = [QueuedCall(spender, 0.0, at) for at, spender in enumerate(spenders)]
    for call in calls:
        queue.add(call)
    removed = data.draw(st.lists(st.sampled_from(calls), unique=True)) if calls else []
    for call in [*removed, *removed]:
        queue.remove(call)
    assert len(queue) == len(calls) - len(removed)
    popped = []
    while (first := queue.first()) is not None:
        popped.append(queue.pop(0.0, is_place_free=True))
        assert popped[-1] == first
    assert sorted(call.caller for call in popped if call) == sorted({*range(len(calls))} - {c.caller for c in removed})
    purposes = [call.spender.purpose for call in popped if call]
    assert purposes == sorted(purposes)
    assert len(queue) == 0
