"""View model of a chatbot's episodes of drift and their causes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from reconciler.domain.entities import Apply, Run
from reconciler.domain.history import SERVICE, Episode, Transition
from reconciler.domain.status import Direction, Sync
from reconciler.render.ages import Age, age, span
from reconciler.web.ui.badges import reason_words

RUN, APPLY, PLAN, SOURCE = "run", "apply", "plan", "source"


@dataclass(frozen=True, slots=True)
class EpisodeCause:
    """By what something happened.

    Attributes:
        link: The page with more about it; None where there is none.
    """

    words: str
    link: str | None


@dataclass(frozen=True, slots=True)
class EpisodeMoment:
    """One change of the chatbot's state.

    Attributes:
        title: What happened, in a word or two.
        sync: Its sync afterwards; None for a chatbot that was forgotten.
        direction: Which side had moved.
        reason: The reason that it then showed, in words.
    """

    age: Age
    title: str
    sync: Sync | None
    direction: Direction | None
    reason: str
    cause: EpisodeCause


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """One drift, from its beginning to its end.

    Attributes:
        moments: In order of time; the first opened it.
        is_open: Whether it lasts.
        lasted: For how long, or for how long so far.
    """

    moments: Sequence[EpisodeMoment]
    is_open: bool
    lasted: str


@dataclass(frozen=True, slots=True)
class EpisodeCauses:
    """What is known of the runs and applies that transitions name.

    Attributes:
        runs: By id.
        applies: By id.
    """

    runs: Mapping[str, Run]
    applies: Mapping[str, Apply]


def cause_ids(transitions: Sequence[Transition], kind: str) -> list[str]:
    """The ids that transitions name as their causes, of one kind."""
    causes = (transition.cause.partition("/") for transition in transitions)
    return list(dict.fromkeys(subject for name, _, subject in causes if name == kind))


def episode_views(episodes: Sequence[Episode], causes: EpisodeCauses, now: datetime) -> Sequence[EpisodeView]:
    """The episodes as they are shown, in the order given."""
    return [_episode(item, causes, now) for item in episodes]


def _episode(episode: Episode, causes: EpisodeCauses, now: datetime) -> EpisodeView:
    titled = [(episode.opened, "Opened"), *((change, _changed(change)) for change in episode.changes)]
    if episode.closed is not None:
        titled.append((episode.closed, "Closed" if episode.closed.sync else "Forgotten"))
    moments = [_moment(transition, title, causes, now) for transition, title in titled]
    end = episode.closed.at if episode.closed else now
    return EpisodeView(moments, episode.closed is None, span(end - episode.opened.at))


def _changed(change: Transition) -> str:
    if change.source != change.source_before:
        return f"Claimed by {change.source}" if change.source else "Claimed by no source"
    if change.sync is Sync.UNKNOWN:
        return "Lost sight of"
    return "Seen again" if change.sync_before is Sync.UNKNOWN else "Changed"


def _moment(transition: Transition, title: str, causes: EpisodeCauses, now: datetime) -> EpisodeMoment:
    return EpisodeMoment(
        age=age(transition.at, now),
        title=title,
        sync=transition.sync,
        direction=transition.direction,
        reason=reason_words(transition.reason),
        cause=_cause(transition.cause, causes),
    )


def _cause(cause: str, causes: EpisodeCauses) -> EpisodeCause:
    kind, _, subject = cause.partition("/")
    match kind:
        case "run":
            run = causes.runs.get(subject)
            if run is None:
                return EpisodeCause("a run that is no longer kept", None)
            return EpisodeCause(f"a run ({run.trigger})", f"/runs/{quote(subject, safe='')}")
        case "apply":
            return _by_apply(causes.applies.get(subject))
        case "plan":
            return EpisodeCause("a plan that ended", f"/plans/{quote(subject, safe='')}")
        case "source":
            return EpisodeCause(f"an accepted revision of the source {subject}", "/sources")
        case _:
            return EpisodeCause("the service" if cause == SERVICE else cause, None)


def _by_apply(apply: Apply | None) -> EpisodeCause:
    if apply is None:
        return EpisodeCause("an apply that is no longer kept", None)
    return EpisodeCause(f"an apply, asked for by {apply.requested_by}", f"/plans/{quote(apply.plan_id, safe='')}")
