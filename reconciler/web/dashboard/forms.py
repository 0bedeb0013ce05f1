"""The pages' forms, read by hand: no multipart parser is loaded for them."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

from pydantic import ValidationError, model_validator
from starlette.requests import Request

from reconciler.web.asks import Ask, Query
from reconciler.web.problems import Code, Problem

A = TypeVar("A", bound=Ask)

_MOST_FIELDS = 10


class FormQuery(Query):
    """What a page's filters ask for by its address: a field that was left empty is none."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value != ""} if isinstance(given, dict) else given


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of a field sent twice, the first.

    Raises:
        Problem: When the body is no form.
    """
    return {name: values[0] for name, values in (await read_lists(request, _MOST_FIELDS)).items()}


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


def refuse_without_button(form: Mapping[str, object]) -> None:
    """Refuse a form of several buttons that was sent by none of them: browsers then press its first one.

    Raises:
        Problem: When that is what happened.
    """
    if "pressed" in form:
        raise Problem(Code.INVALID_REQUEST, "press one of the buttons: Enter alone decides nothing")


def asked(ask: type[A], fields: Mapping[str, Any]) -> A:
    """What a form asks for, as the API takes it; an empty field is one that was left out.

    Raises:
        Problem: When a field is missing or wrong.
    """
    try:
        return ask.model_validate({name: value for name, value in fields.items() if value})
    except ValidationError as error:
        # what was sent is never echoed: it may be a secret in the wrong place
        names = dict.fromkeys(str(part) for each in error.errors() for part in each["loc"][:1])
        raise Problem(Code.INVALID_REQUEST, f"correct these fields: {', '.join(names)}") from error
