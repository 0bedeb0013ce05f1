"""Request models of the control API."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api_client.models import ManagementApiScope

_Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=True)


class NewChatbot(_Strict):
    """A chatbot as a seed file states it."""

    id: _Text
    dataRegion: Literal["EU", "US"] = "EU"  # noqa: N815 - the contract's name
    spec: dict[str, Any] = {}


class KeyOrder(_Strict):
    """A key to add, or to put in place of the one of the same name.

    Attributes:
        name: What the journal calls it.
        key: Its value; may be left out for a key that exists.
        scopes: Its scopes; all of them when left out.
        chatbots: The chatbots it may see; all of them when left out.
        requests_per_minute: Its rate limit; none when left out.
        daily_quota: Its quota per UTC day; none when left out.
    """

    name: _Text
    key: _Text | None = Field(default=None, repr=False)
    scopes: tuple[ManagementApiScope, ...] | None = None
    chatbots: tuple[str, ...] | None = None
    requests_per_minute: Annotated[int, Field(ge=0)] | None = None
    daily_quota: Annotated[int, Field(ge=0)] | None = None
