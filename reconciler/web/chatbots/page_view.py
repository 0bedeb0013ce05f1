"""View model of the page of one chatbot: state, desired and live configuration, and history."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from reconciler.domain.entities import Apply, Approval, Chatbot, Claim, Plan
from reconciler.domain.escaping import escaped
from reconciler.domain.listing import Page
from reconciler.domain.secrets import redacted
from reconciler.domain.sentences import joined
from reconciler.domain.status import EXPLANATIONS, Direction, Reason, Sync
from reconciler.domain.suspensions import Suspension
from reconciler.engine.live_views import LiveView
from reconciler.render import plan_summary
from reconciler.render.ages import Age, age, age_or_none
from reconciler.render.alignment import Effort
from reconciler.render.yaml_text import yaml_text
from reconciler.web.chatbots.past_plans import PastPlan
from reconciler.web.chatbots.timeline import EpisodeView
from reconciler.web.forget.box import ForgetBox
from reconciler.web.suspensions.box import SuspendBox
from reconciler.web.ui.badges import reason_words
from reconciler.web.ui.git_origin import GitOrigin
from reconciler.web.ui.layout import Layout
from reconciler.web.ui.paths import chatbot_path

_OUT_OF_SYNC: Final[Mapping[Direction, str]] = {
    Direction.GIT_AHEAD: "Its document has moved on in git, and the chatbot is still as before.",
    Direction.LIVE_AHEAD: "Somebody edited the chatbot at WizChat; its document in git is still as before.",
    Direction.DIVERGED: "Both sides have moved: the document in git and the chatbot at WizChat.",
    Direction.UNKNOWN: "It differs from its document, and which side moved is not known.",
    Direction.IN_SYNC: "It differs from its document.",
}
_FOLDED: Final = 60
_MOST: Final = 200_000


@dataclass(frozen=True, slots=True)
class Listing:
    """A configuration as YAML.

    Attributes:
        text: With every unseen character as its escape, and without what looks like a key.
        lines: How many lines the whole has.
        is_cut: Whether it is too long to be shown to its end.
    """

    text: str
    lines: int
    is_cut: bool

    @property
    def is_long(self) -> bool:
        """Whether it is folded until somebody wants to read it."""
        return self.lines > _FOLDED


@dataclass(frozen=True, slots=True)
class DesiredSide:
    """What git wants.

    Attributes:
        origin: The place of the document in git; None where no revision of its source was read yet.
        listing: What it asks for; None when it is refused.
        refusal: Why it is, and what to do; else None.
    """

    origin: GitOrigin | None
    listing: Listing | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class LiveSide:
    """What is live.

    Attributes:
        at: When WizChat was asked.
        listing: The configuration; None when it could not be read.
        omitted: The sections that the key may not read.
        failure: Why it could not be read, and what to do; else None.
    """

    at: datetime
    listing: Listing | None
    omitted: Sequence[str]
    failure: str | None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan and what came of it.

    Attributes:
        sentence: What it does, in parts.
        planned: When it was made.
        approvals: All of them, oldest first.
        apply: Its latest apply, where there was one.
        applied: When that ended, or was asked for.
    """

    plan: Plan
    sentence: Sequence[plan_summary.SummaryPart]
    planned: Age
    approvals: Sequence[Approval]
    apply: Apply | None
    applied: Age | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatbotPageData:
    """Everything that is read for the page.

    Attributes:
        now: The moment at which it is looked at.
        document: The claim at its source's last good revision.
        origin: The place of the document in git.
        live: The live configuration, when it was asked for.
        standing: The suspensions that cover the chatbot now.
        forget: The form that forgets it, where no document states it; else None.
        timeline: Its drift episodes, newest first.
        is_whole: Whether that is all that is kept of them.
        past: A part of its plans, newest first.
    """

    now: datetime
    chatbot: Chatbot
    document: Claim | None
    origin: GitOrigin | None
    live: LiveView | None
    standing: Sequence[Suspension]
    box: SuspendBox
    forget: ForgetBox | None
    timeline: Sequence[EpisodeView]
    is_whole: bool
    past: Page[PastPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatbotPage:
    """One chatbot.

    Attributes:
        name: The chatbot's, or its id.
        address: The page's own path.
        sentence: The state of the chatbot in a sentence.
        reason_words: The reason for that, in words.
        advice: What is wrong and what to do: a sentence or two.
        drifted: Since when it is out of sync; None while it is not.
        checked: When it was last compared.
        synced: When it was last as its document says.
        desired: What git wants; None while no document claims it.
        live: What is live; None when nobody asked for it.
        wider: Suspensions of more than this chatbot that cover it, too.
        box: The form that suspends and resumes.
        forget: The form that forgets it, where no document states it; else None.
        timeline: Drift episodes, newest first.
        is_whole: Whether that is all that is kept of them.
        past: Plans and what came of each, newest first.
        next_page: The path of the next part of the plans.
    """

    frame: Layout
    chatbot: Chatbot
    name: str
    address: str
    sentence: str
    reason_words: str
    advice: str
    drifted: Age | None
    checked: Age | None
    synced: Age | None
    desired: DesiredSide | None
    live: LiveSide | None
    wider: Sequence[Suspension]
    box: SuspendBox
    forget: ForgetBox | None
    timeline: Sequence[EpisodeView]
    is_whole: bool
    past: Sequence[PlanRow]
    next_page: str | None


def chatbot_page(frame: Layout, data: ChatbotPageData, effort: Effort) -> ChatbotPage:
    """Everything that the page of a chatbot says; the sentences of its plans share the effort of comparing texts."""
    chatbot = data.chatbot
    efforts = effort.shares(len(data.past.items))
    address, cursor = chatbot_path(chatbot.tenant, chatbot.id), data.past.next_cursor
    return ChatbotPage(
        frame=frame,
        chatbot=chatbot,
        name=chatbot.name or chatbot.id,
        address=address,
        sentence=sentence(chatbot),
        reason_words=reason_words(chatbot.reason),
        advice=joined(_advice(chatbot)),
        drifted=age_or_none(chatbot.drifted_at, data.now),
        checked=age_or_none(chatbot.checked_at, data.now),
        synced=age_or_none(chatbot.synced_at, data.now),
        desired=_desired(data.document, data.origin),
        live=_live(data.live),
        wider=[suspension for suspension in data.standing if suspension.scope != data.box.scope],
        box=data.box,
        forget=data.forget,
        timeline=data.timeline,
        is_whole=data.is_whole,
        past=[_plan(item, data.now, next(efforts)) for item in data.past.items],
        next_page=f"{address}?cursor={quote(cursor)}" if cursor else None,
    )


def sentence(chatbot: Chatbot) -> str:
    """The state of a chatbot in a sentence, for people who are no engineers."""
    match chatbot.sync:
        case Sync.SYNCED:
            return "The chatbot is as its document says."
        case Sync.OUT_OF_SYNC:
            return _OUT_OF_SYNC[chatbot.direction]
        case Sync.UNKNOWN if chatbot.source is None:
            return "No document in git says how this chatbot should be."
        case Sync.UNKNOWN:
            return "Whether the chatbot is as its document says is not known."


def _advice(chatbot: Chatbot) -> Iterator[str]:
    """The chatbot's own message, then the explanation of its reason, unless the message contains that."""
    explained = EXPLANATIONS[chatbot.reason]
    if chatbot.message:
        yield chatbot.message
    # its message says already which of the two it is
    if chatbot.reason is Reason.SOURCE_UNKNOWN and chatbot.message:
        return
    if explained not in chatbot.message:
        yield explained


def _desired(document: Claim | None, origin: GitOrigin | None) -> DesiredSide | None:
    if document is None:
        return None
    if document.body is None:
        reason = document.refusal
        return DesiredSide(
            origin, None, document.refusal_message or (EXPLANATIONS[reason] if reason else "It is refused.")
        )
    return DesiredSide(origin, listing(_written(document, document.body)), None)


def _written(document: Claim, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document as somebody would write it, each file that it includes in its place."""
    metadata: dict[str, Any] = {"chatbotId": document.chatbot_id}
    if document.labels:
        metadata["labels"] = dict(document.labels)
    rest = {name: value for name, value in body.items() if name not in ("apiVersion", "kind")}
    return {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": metadata, **rest}


def _plan(past: PastPlan, now: datetime, effort: Effort) -> PlanRow:
    plan, apply = past.plan, past.apply
    return PlanRow(
        plan=plan,
        sentence=plan_summary.sentence(plan.ops, effort),
        planned=age(plan.created_at, now),
        approvals=past.approvals,
        apply=apply,
        applied=age(apply.finished_at or apply.created_at, now) if apply else None,
    )


def _live(view: LiveView | None) -> LiveSide | None:
    if view is None:
        return None
    if view.exported is None:
        return LiveSide(view.at, None, (), view.failure)
    return LiveSide(view.at, listing(view.exported.body), view.exported.omitted, None)


def listing(body: Mapping[str, Any]) -> Listing:
    """A configuration as YAML for people."""
    text = redacted(yaml_text(body, prose=True))
    return Listing(escaped(text[:_MOST], keep="\n"), text.count("\n"), len(text) > _MOST)
