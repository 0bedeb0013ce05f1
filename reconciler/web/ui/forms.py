"""Reads and runs the forms of pages, without a multipart parser."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self, TypeVar
from urllib.parse import parse_qs, urlencode

from pydantic import ValidationError, model_validator
from starlette.requests import Request

from reconciler.engine.context import Engine
from reconciler.errors import Conflict, Forbidden, NotFound, SourceUnreadable
from reconciler.web.auth.audit_policies import keep_body
from reconciler.web.auth.refusals import refusal_document
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import Cursor, Query, RequestModel

B = TypeVar("B", bound=RequestModel)
Form = Mapping[str, str]

_MAX_FIELDS: Final = 10
_REFUSALS: Final = (Conflict, Forbidden, NotFound, SourceUnreadable, Problem)
_WITHOUT_ZONE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FormRefusal:
    """Why what a form asked for was not done, for the page that says it.

    Attributes:
        status: Of the answer.
        title: What is wrong, in a few words.
        detail: What to do.
    """

    status: int
    title: str
    detail: str

    def __str__(self) -> str:
        return self.detail if self.status == Code.INVALID_REQUEST.status else f"{self.title}: {self.detail}"


class FormQuery(Query):
    """What a page lists, by its address: a filter that was left empty is none."""

    cursor: Cursor | None = None

    def address(self, path: str, **changes: Any) -> str:
        """The page with something changed; it begins at the first part, unless that is what changes.

        Args:
            path: The page's, without a query.
            changes: Filters with other values, or None; the others stay.
        """
        kept = self.model_dump(exclude_defaults=True, exclude={"cursor"}) | changes
        query = {
            name: "yes" if value is True else value
            for name, value in kept.items()
            if value != type(self).model_fields[name].default and value is not None
        }
        return f"{path}?{urlencode(query)}" if query else path

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, query: Any) -> Any:
        return {name: value for name, value in query.items() if value != ""} if isinstance(query, dict) else query


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of a field sent twice, the first.

    Raises:
        Problem: When the body is no form.
    """
    return {name: values[0] for name, values in (await read_lists(request, _MAX_FIELDS)).items()}


async def read_lists(request: Request, most: int) -> dict[str, list[str]]:
    """The fields of a form with every value of each; browsers send line ends as CR LF, which are one character here.

    Args:
        request: The request.
        most: How many values it may hold in all.

    Raises:
        Problem: When the body is no form, or holds more.
    """
    body = await request.body()
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=most)
    except ValueError as error:
        raise Problem(Code.MALFORMED_BODY, "send a form") from error
    return {name: [value.replace("\r\n", "\n") for value in values] for name, values in fields.items()}


def require_button(form: Mapping[str, object]) -> None:
    """Refuse a form of several buttons that was sent by none of them: browsers then press its first one.

    Raises:
        Problem: When that is what happened.
    """
    if "pressed" in form:
        raise Problem(Code.INVALID_REQUEST, "press one of the buttons: Enter alone decides nothing")


def parse_form(request: Request, model: type[B], fields: Mapping[str, Any]) -> B:
    """What a form asks for, as the API takes it; an empty field is one that was left out.

    It is kept for the audit entry of a refusal.

    Raises:
        Problem: When a field is missing or wrong.
    """
    try:
        return keep_body(request, model.model_validate({name: value for name, value in fields.items() if value}))
    except ValidationError as error:
        # what was sent is never echoed: it may be a secret in the wrong place
        names = dict.fromkeys(str(part) for item in error.errors() for part in item["loc"][:1])
        raise Problem(Code.INVALID_REQUEST, f"correct these fields: {', '.join(names)}") from error


def fields_named(form: Form, *names: str) -> dict[str, Any]:
    """The named fields of a form that are not blank: its buttons share one form, and a call takes what is its own."""
    return {name: form[name] for name in names if form.get(name, "").strip()}


def to_datetime_field(moment: datetime) -> str:
    """A moment as a field for date and time takes it; the field says that it is UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M")


def from_datetime_field(text: str) -> str:
    """What somebody put into such a field, as the API takes it."""
    text = text.strip()
    return f"{text.replace(' ', 'T')}Z" if _WITHOUT_ZONE.fullmatch(text) else text


class FormAction:
    """Around what a form asks for: what is refused within the block is kept, for the page that says it.

    Attributes:
        refusal: Why the block was left; there when it was left by a refusal.
    """

    refusal: FormRefusal

    def __init__(self, engine: Engine, request: Request, *, beyond: tuple[type[Exception], ...] = ()) -> None:
        """Around what a form asks for.

        Args:
            engine: The ports; a refused decision leaves its row.
            request: The form's.
            beyond: The errors after which the person does not see the form's page either: they are raised.
        """
        self._engine = engine
        self._request = request
        self._beyond = beyond

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, self._beyond) or not isinstance(error, _REFUSALS):
            return False
        body = await refusal_document(self._engine, self._request, error)
        self.refusal = FormRefusal(body["status"], body["title"], body["detail"])
        return True
