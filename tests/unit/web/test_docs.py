"""The document and the code say the same."""

import re
from pathlib import Path

from fastapi.routing import APIRoute

from reconciler.web.chatbots.schemas import ChatbotResponse
from reconciler.web.fleet.schemas import StatusResponse
from reconciler.web.http.problems import Code
from reconciler.web.plans.schemas import ApplyResponse, PlanResponse
from reconciler.web.reference.page import role_of
from reconciler.web.routes import API_ROUTERS
from reconciler.web.runs.schemas import RunResponse
from reconciler.web.sources.schemas import SourceResponse

TEXT = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text(encoding="utf-8")
ROUTES = [route for router in API_ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def test_every_call_is_documented_with_its_role_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(GET|POST) (/[^`]+)` \| (\S+) \|", TEXT, re.MULTILINE))
    written = {
        (method, route.path, role_of(route) or ("signed" if route.name == "webhook" else "\u2013"))
        for route in ROUTES
        for method in route.methods or ()
    }

    assert documented == written


def test_every_problem_code_is_documented_with_its_status_and_no_other() -> None:
    documented = re.findall(r"^\| `(\w+)` \| (\d+) \|", TEXT, re.MULTILINE)

    assert documented == [(str(code), str(code.status)) for code in Code]


def test_every_field_of_the_main_shapes_is_documented() -> None:
    for shape in (ApplyResponse, ChatbotResponse, PlanResponse, RunResponse, SourceResponse, StatusResponse):
        (said,) = re.findall(rf"^\* `{shape.__name__}`: `([^`]+)`", TEXT, re.MULTILINE)
        assert set(shape.model_fields) <= set(re.findall(r"\w+", said)), shape.__name__
