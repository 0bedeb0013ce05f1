import pytest
from starlette.requests import Request
from starlette.types import Message

from reconciler.web.ui.forms import read_form

pytestmark = pytest.mark.anyio


def form(body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def test_of_a_field_that_is_sent_twice_the_first_counts() -> None:
    assert await read_form(form(b"reason=first&reason=second&until=")) == {"reason": "first"}
