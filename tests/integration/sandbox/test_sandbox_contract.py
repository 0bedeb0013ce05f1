"""What the sandbox answers keeps the committed contract, field by field."""

import json
from importlib.resources import files
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # it ships no types

from api_client.contract import LIST_SECTIONS, contract_view, document_schema
from api_client.sandbox import SandboxControl

CONTRACT = json.loads(files("api_client").joinpath("openapi.json").read_text())
BOT = "bot_7f3a"


def keeps(component: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{component}", "components": CONTRACT["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_reads_keep_the_contract(api: httpx.Client) -> None:
    for chatbot in api.get("/chatbots").json()["chatbots"]:
        keeps("PublicChatbot", chatbot)
        keeps("PublicChatbot", api.get(f"/chatbots/{chatbot['id']}").json()["chatbot"])
        keeps("ChatbotConfigDocument", api.get(f"/chatbots/{chatbot['id']}/config").json())


def test_every_kind_of_apply_keeps_the_contract(api: httpx.Client, control: SandboxControl) -> None:
    spec = {"core": {"name": "X"}, "skills": [{"name": "refunds", "body": "b"}, {"name": "new"}], "domains": []}
    body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec}
    keeps("ApplyResult", api.post(f"/chatbots/{BOT}/apply?dryRun=true", json=body).json())
    control.add_fault("op_failure", section="domains")
    partial = api.post(f"/chatbots/{BOT}/apply", json=body)
    assert partial.status_code == 422
    keeps("ApplyResult", partial.json())
    keeps("ApplyResult", api.post(f"/chatbots/{BOT}/apply", json=body).json())


def test_refusals_keep_the_contract(api: httpx.Client) -> None:
    keeps("Error", api.get("/chatbots/none").json())
    keeps("Error", api.post(f"/chatbots/{BOT}/apply", json={}).json())


def test_an_export_without_what_the_server_owns_is_a_document_that_a_person_may_write(api: httpx.Client) -> None:
    for chatbot in api.get("/chatbots").json()["chatbots"]:
        spec = api.get(f"/chatbots/{chatbot['id']}/config").json()["spec"]
        stated = {
            section: [contract_view(section, item) for item in value]
            if section in LIST_SECTIONS
            else contract_view(section, value)
            for section, value in spec.items()
        }
        document = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": stated}
        jsonschema.Draft202012Validator(document_schema()).validate(document)
        plan = api.post(f"/chatbots/{chatbot['id']}/apply?dryRun=true", json=document).json()["plan"]
        assert {op["action"] for op in plan["ops"]} == {"noop"}
