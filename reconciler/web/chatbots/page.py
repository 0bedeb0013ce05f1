"""The page of one chatbot."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.entities import Chatbot, Claim, SourceRecord
from reconciler.domain.events import ChangeKind
from reconciler.domain.history import episodes
from reconciler.domain.status import Reason
from reconciler.domain.suspensions import covers
from reconciler.engine.context import Actor, Engine
from reconciler.engine.forget import is_gone
from reconciler.engine.live_views import LiveViews
from reconciler.web.auth.dependencies import TheEngine, ViewerPage
from reconciler.web.auth.visibility import standing_suspensions, visible_chatbot
from reconciler.web.chatbots.page_view import ChatbotPageData, chatbot_page
from reconciler.web.chatbots.past_plans import past_plans
from reconciler.web.chatbots.timeline import APPLY, RUN, EpisodeCauses, EpisodeView, cause_ids, episode_views
from reconciler.web.forget.box import ForgetBox, chatbot_forget_box
from reconciler.web.http.schemas import Name
from reconciler.web.suspensions.box import suspend_box
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormQuery
from reconciler.web.ui.git_origin import GitOrigin, git_origin_of
from reconciler.web.ui.layout import layout_for
from reconciler.web.ui.paths import chatbot_path

WATCH: Sequence[ChangeKind] = (ChangeKind.CHATBOT, ChangeKind.PLAN, ChangeKind.APPLY, ChangeKind.SUSPENSION)
_PLANS = 20
_TRANSITIONS = 100

router = APIRouter(include_in_schema=False)


class ChatbotPageQuery(FormQuery):
    """What the page shows besides."""

    live: Literal["1"] | None = None


@router.get("/chatbots/{tenant}/{chatbot_id}", name="page_chatbot")
async def chatbot(
    actor: ViewerPage,
    engine: TheEngine,
    tenant: Name,
    chatbot_id: Name,
    query: Annotated[ChatbotPageQuery, Query()],
    request: Request,
) -> Response:
    """Where one chatbot stands, what git wants, its past; and what is live, for whoever asks: that costs API calls."""
    record = await visible_chatbot(engine, actor, chatbot_id, tenant)
    live_views: LiveViews = request.app.state.live
    try:
        data = await read_chatbot(engine, actor, record, live_views if query.live else None, query.cursor)
    except ValueError:
        return RedirectResponse(chatbot_path(record.tenant, record.id), 303)
    # a page that shows what is live does not look again by itself
    frame = await layout_for(engine, actor, "fleet", () if query.live else WATCH)
    return await templates.long_page(request, "chatbots/chatbot.html", lambda effort: chatbot_page(frame, data, effort))


async def read_chatbot(
    engine: Engine, actor: Actor, chatbot: Chatbot, live_views: LiveViews | None, cursor: str | None
) -> ChatbotPageData:
    """Everything that the page says.

    Args:
        engine: The ports.
        actor: Who looks.
        chatbot: One that they may see.
        live_views: Reads what is live; None when nobody asks for it.
        cursor: Where the plans go on.

    Raises:
        ValueError: When the cursor was not handed out here.
    """
    past = await past_plans(engine, actor, chatbot, limit=_PLANS, cursor=cursor)
    suspensions = await standing_suspensions(engine, actor.sources)
    stopping = [item for item in suspensions if covers(item, chatbot.tenant, chatbot.id, chatbot.source)]
    document, source = await _document(engine, chatbot)
    timeline, is_whole = await _timeline(engine, actor, chatbot)
    return ChatbotPageData(
        now=engine.clock.now(),
        chatbot=chatbot,
        document=document,
        origin=await _origin(engine, chatbot, document, source),
        live=await live_views.get(chatbot.tenant, chatbot.id, actor.name) if live_views else None,
        standing=stopping,
        box=suspend_box(
            actor,
            f"chatbot/{chatbot.id}",
            chatbot.source,
            stopping,
            title="this chatbot",
            back=chatbot_path(chatbot.tenant, chatbot.id),
        ),
        forget=_forget_box(actor, chatbot, document, source),
        timeline=timeline,
        is_whole=is_whole,
        past=past,
    )


def _forget_box(
    actor: Actor, chatbot: Chatbot, document: Claim | None, source: SourceRecord | None
) -> ForgetBox | None:
    """The form that forgets a chatbot; none where a document states it, or WizChat's list has it."""
    is_stated = document is not None and source is not None and not is_gone(source)
    if is_stated or chatbot.fault is Reason.UNMANAGED:
        return None
    return chatbot_forget_box(actor, chatbot.tenant, chatbot.id)


async def _document(engine: Engine, chatbot: Chatbot) -> tuple[Claim | None, SourceRecord | None]:
    if chatbot.source is None:
        return None, None
    async with engine.store.read() as uow:
        return await uow.documents.get(chatbot.source, chatbot.id), await uow.sources.get(chatbot.source)


async def _origin(
    engine: Engine, chatbot: Chatbot, document: Claim | None, source: SourceRecord | None
) -> GitOrigin | None:
    if document is None or source is None or source.good_revision is None:
        return None
    revision, synced = source.good_revision, chatbot.synced_revision
    return await git_origin_of(engine, source.name, document.path, revision, line=document.line, synced=synced)


async def _timeline(engine: Engine, actor: Actor, chatbot: Chatbot) -> tuple[Sequence[EpisodeView], bool]:
    """The drift episodes, of the sources that the person may see, and whether they are all that is kept."""
    queries = engine.store.queries
    found = await queries.transitions_of(chatbot.tenant, chatbot.id, limit=_TRANSITIONS)
    visible = [item for item in found if actor.sees(item.source) or actor.sees(item.source_before)]
    causes = EpisodeCauses(
        await queries.runs_with(cause_ids(visible, RUN)), await queries.applies_with(cause_ids(visible, APPLY))
    )
    return episode_views(episodes(visible), causes, engine.clock.now()), len(found) < _TRANSITIONS
