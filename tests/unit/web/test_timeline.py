from datetime import timedelta
from typing import Any

from reconciler.domain.entities import Trigger
from reconciler.domain.history import SERVICE, Transition, episodes
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.web.chatbots.timeline import APPLY, RUN, EpisodeCauses, EpisodeView, cause_ids, episode_views
from tests.fakes.clock import START
from tests.support.records import a_run, an_apply

CAUSES = EpisodeCauses({"run_1": a_run(trigger=Trigger.WEBHOOK)}, {"apply_1": an_apply(requested_by="ann")})


def transition(hours: int, sync: Sync | None, cause: str = "run/run_1", **changes: Any) -> Transition:
    given: dict[str, Any] = {
        "at": START + timedelta(hours=hours),
        "tenant": "acme",
        "chatbot_id": "bot_1",
        "source_before": "main",
        "source": "main",
        "sync_before": None,
        "sync": sync,
        "direction_before": None,
        "direction": Direction.GIT_AHEAD if sync is Sync.OUT_OF_SYNC else None,
        "reason": Reason.AWAITING_APPROVAL,
        "revision": "a" * 40,
        "cause": cause,
    }
    return Transition(**{**given, **changes})


def views(*oldest_first: Transition) -> list[EpisodeView]:
    return list(episode_views(episodes(list(reversed(oldest_first))), CAUSES, START + timedelta(hours=10)))


def test_an_episode_is_told_from_its_beginning_to_its_end_and_by_what() -> None:
    (episode,) = views(
        transition(0, Sync.SYNCED),
        transition(1, Sync.OUT_OF_SYNC),
        transition(2, Sync.OUT_OF_SYNC, direction=Direction.DIVERGED),
        transition(3, Sync.UNKNOWN, SERVICE),
        transition(4, Sync.OUT_OF_SYNC, "run/run_gone", sync_before=Sync.UNKNOWN),
        transition(5, Sync.OUT_OF_SYNC, "source/side", source="side"),
        transition(6, Sync.SYNCED, "apply/apply_1"),
    )
    assert [(moment.title, moment.cause.words, moment.cause.link) for moment in episode.moments] == [
        ("Opened", "a run (webhook)", "/runs/run_1"),
        ("Changed", "a run (webhook)", "/runs/run_1"),
        ("Lost sight of", "the service", None),
        ("Seen again", "a run that is no longer kept", None),
        ("Claimed by side", "an accepted revision of the source side", "/sources"),
        ("Closed", "an apply, asked for by ann", "/plans/plan_1"),
    ]
    assert (episode.is_open, episode.lasted) == (False, "5 h")
    assert (episode.moments[0].age.words, episode.moments[0].reason) == ("9 h", "awaiting approval")


def test_an_episode_that_lasts_says_for_how_long_so_far() -> None:
    first, second = views(
        transition(0, Sync.OUT_OF_SYNC),
        transition(1, None, "plan/plan_7"),
        transition(8, Sync.OUT_OF_SYNC, "apply/apply_gone"),
    )
    assert (first.is_open, first.lasted) == (True, "2 h")
    assert [moment.cause.link for moment in first.moments] == [None]
    assert (second.is_open, second.moments[-1].title, second.moments[-1].cause.link) == (
        False,
        "Forgotten",
        "/plans/plan_7",
    )


def test_causes_are_looked_up_once_each() -> None:
    given = [transition(0, Sync.SYNCED), transition(1, Sync.SYNCED), transition(2, Sync.SYNCED, "apply/apply_1")]
    assert (cause_ids(given, RUN), cause_ids(given, APPLY)) == (["run_1"], ["apply_1"])
