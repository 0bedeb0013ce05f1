"""The description is true: what it promises is what is answered, whatever is sent."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reconciler.web.events import api
from tests.integration.web.serving import Server, serving

KNOWN = {"name": "main", "run_id": "run_main", "chatbot_id": "bot_1", "plan_id": "plan_1", "source": "main"}
STREAM_SECONDS = 0.5
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("house")) as server:
        yield server


def test_every_answer_is_as_described(server: Server) -> None:
    schema = schemathesis.openapi.from_dict(server.description)
    seen, answers = 0, Counter[int]()
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # an invalid schema fails the test here

        @settings(
            max_examples=15,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case[Any]) -> None:
            case.headers.update({"Authorization": "Bearer wzr_admin"})
            if answers.total() % 2:
                case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters if name in KNOWN})
            # an event stream goes on for ever: what came within the time is judged
            limit = {"timeout": STREAM_SECONDS} if case.path == api.PATH else {}
            answers[case.call_and_validate(base_url=server.url, checks=CHECKS, **limit).status_code] += 1

        check()
        seen += 1
    assert seen == sum(len(methods) for methods in server.description["paths"].values())
    assert {200, 202, 401, 404, 409} <= set(answers)


def test_everything_is_described(server: Server) -> None:
    for path, methods in server.description["paths"].items():
        for method, said in methods.items():
            assert said["summary"], (method, path)
            assert said["description"], (method, path)
            assert said["tags"], (method, path)
            if "x-required-role" in said:
                assert said["security"] == [{"token": []}]
                assert {"401", "500"} <= set(said["responses"])
    assert server.description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
