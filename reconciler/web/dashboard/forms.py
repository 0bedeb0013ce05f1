"""The page's two forms, read by hand: no multipart parser is loaded for them."""

from urllib.parse import parse_qs

from starlette.requests import Request

from reconciler.web.problems import Code, Problem

_MOST_FIELDS = 10


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of a field sent twice, the first.

    Raises:
        Problem: When the body is no form.
    """
    body = await request.body()
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Problem(Code.MALFORMED_BODY, "send a form") from error
    return {name: values[0] for name, values in fields.items()}
