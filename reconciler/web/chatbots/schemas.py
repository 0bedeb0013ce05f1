"""Request and response models of chatbots."""

from collections.abc import Collection, Mapping
from typing import Self

from pydantic import Field

from reconciler.domain.entities import Chatbot
from reconciler.domain.listing import ChatbotFilter, ChatbotOrder
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.suspensions import Suspension
from reconciler.web.http.schemas import LabelWord, Moment, PageQuery, Query, ResponseModel, TenantQuery, Word
from reconciler.web.suspensions.schemas import SuspensionResponse


class ChatbotResponse(ResponseModel):
    """A chatbot's standing."""

    id: str
    name: str | None
    tenant: str
    source: str | None = Field(description="Null while no document claims it.")
    path: str | None
    labels: Mapping[str, str]
    sync: Sync
    direction: Direction
    reason: Reason
    message: str
    suspension: SuspensionResponse | None = Field(
        description="What stops its applies, whatever the reason is; else null."
    )
    plan_id: str | None = Field(description="The open plan.")
    revision: str | None
    last_applied_revision: str | None
    checked_at: Moment | None
    drifted_at: Moment | None = Field(description="Since when it is OutOfSync; null while it is not.")

    @classmethod
    def of_chatbot(cls, chatbot: Chatbot, suspensions: Mapping[str, Suspension]) -> Self:
        """Make the answer from a chatbot; the suspension that stops its applies is among those given by id."""
        return cls.of(chatbot, suspension=suspensions.get(chatbot.suspension_id or ""))


class HistoryQuery(TenantQuery, PageQuery):
    """Which part of a chatbot's past."""


class ChatbotFilterQuery(Query):
    """Which chatbots, by the API and on the fleet page; everything given must hold."""

    sync: Sync | None = None
    direction: Direction | None = None
    reason: Reason | None = None
    label: LabelWord | None = Field(default=None, description="`name=value`, or a name alone.")
    source: Word | None = None
    tenant: Word | None = None
    q: Word | None = Field(default=None, description="A part of the id, the name or the path, in any case.")
    order: ChatbotOrder = Field(
        default=ChatbotOrder.ID,
        description="By tenant and `id`, by `name`, by `state` (what asks for attention first), or by `drifted` "
        "(what is OutOfSync for longest first). A cursor holds for its order only.",
    )
    descending: bool = Field(default=False, description="The other way round; what is not OutOfSync stays last.")

    def filter(self, visible: Collection[str] | None = None) -> ChatbotFilter:
        """As the store takes it, for who may see these sources; None means all."""
        return self.as_filter(ChatbotFilter, visible=visible)


class ChatbotQuery(ChatbotFilterQuery, PageQuery):
    """A part of the list of chatbots."""
