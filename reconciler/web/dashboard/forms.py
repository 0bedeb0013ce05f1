"""The page's two forms, read by hand: no multipart parser is loaded for them."""

from urllib.parse import parse_qs

from starlette.datastructures import URL
from starlette.requests import Request

from reconciler.web.problems import Code, Problem
from reconciler.web.settings import WebSettings

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


def refuse_other_sites(request: Request, settings: WebSettings) -> None:
    """Refuse a form that another site's page sent.

    Browsers say where it comes from in ``Sec-Fetch-Site``, over plain http at least in ``Origin``; whatever sends
    neither is no browser, and has no cookie to abuse.

    Raises:
        Problem: When it did.
    """
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None and fetched not in {"same-origin", "none"}:
        raise Problem(Code.CROSS_SITE, "open the page itself, and use its form")
    origin = request.headers.get("origin")
    if origin is not None and origin.rstrip("/") not in _own(request, settings):
        raise Problem(Code.CROSS_SITE, "open the page by its public_url, and use its form")


def _own(request: Request, settings: WebSettings) -> set[str]:
    public = URL(settings.public_url)
    host = request.headers.get("host", "")
    return {f"{public.scheme}://{public.netloc}", f"{request.url.scheme}://{host}"}
