"""Which chatbots a run names of those that it could not compare."""

from random import Random

from reconciler.domain.status import Reason
from reconciler.domain.uncompared import MAX_NAMED, Uncompared, named_uncompared


def test_a_run_names_the_first_by_id_however_they_came_in() -> None:
    every = [Uncompared(f"bot_{n:04}", "a.yaml", Reason.TARGET_UNREACHABLE, "down") for n in range(3 * MAX_NAMED)]
    shuffled = Random(7).sample(every, len(every))
    assert named_uncompared(shuffled) == tuple(every[:MAX_NAMED])
    assert named_uncompared(shuffled[:3]) == tuple(sorted(shuffled[:3], key=lambda each: each.chatbot_id))
