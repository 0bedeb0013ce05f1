"""The four endpoints of the Management API.

Checks come in one order: key, rate limit and quota, scope, chatbot within the key's list, existence, document.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from api_client.sandbox.auth import ApiKey
from api_client.sandbox.clock import timestamp
from api_client.sandbox.document import parse_json, readable, required_scopes, validated, without_fields
from api_client.sandbox.errors import ApiRefusal, not_found
from api_client.sandbox.executor import Execution, OpError, execute
from api_client.sandbox.fault_middleware import CALL
from api_client.sandbox.fleet import Chatbot
from api_client.sandbox.journal import Call
from api_client.sandbox.planner import Op, Plan, plan_document
from api_client.sandbox.state import SandboxState
from api_client.sandbox.views import config_document, public_chatbot, read_config

_READ = "chatbots:read"


def management_routes(sandbox: SandboxState) -> APIRouter:
    """Return the endpoints of the contract over one sandbox's state."""
    router = APIRouter(prefix="/api/v1")

    @router.get("/chatbots")
    async def list_chatbots(request: Request) -> Response:
        key = _admit(sandbox, request)
        key.require_scope(_READ)
        now = sandbox.clock()
        visible = [chatbot for chatbot in sandbox.fleet if key.may_see(chatbot.id)]
        return JSONResponse({"chatbots": [public_chatbot(chatbot, now) for chatbot in visible]})

    @router.get("/chatbots/{chatbot_id}")
    async def get_chatbot(request: Request, chatbot_id: str) -> Response:
        key = _admit(sandbox, request)
        key.require_scope(_READ)
        chatbot = _find(sandbox, key, chatbot_id)
        return JSONResponse({"chatbot": public_chatbot(chatbot, sandbox.clock())})

    @router.get("/chatbots/{chatbot_id}/config")
    async def get_config(request: Request, chatbot_id: str) -> Response:
        key = _admit(sandbox, request)
        key.require_scope(_READ)
        chatbot = _find(sandbox, key, chatbot_id)
        return JSONResponse(config_document(read_config(chatbot, sandbox.clock()), key))

    @router.post("/chatbots/{chatbot_id}/apply")
    async def apply_config(request: Request, chatbot_id: str) -> Response:
        key = _admit(sandbox, request)
        dry_run = _is_dry_run(request)
        body = await request.body()
        for scope in required_scopes(readable(body), dry_run=dry_run):
            key.require_scope(scope)
        chatbot = _find(sandbox, key, chatbot_id)
        document = validated(_without_announced(sandbox, parse_json(body)))
        plan = plan_document(document, read_config(chatbot, sandbox.clock()))
        if dry_run:
            return JSONResponse({"dryRun": True, "plan": plan.as_json()})
        return _applied(sandbox, key, chatbot, plan, request.scope[CALL])

    return router


def _without_announced(sandbox: SandboxState, body: Any) -> Any:
    """Return the body without the fields that answers have announced: a server accepts what it sends."""
    announced = sandbox.faults.announced_fields
    return without_fields(body, announced) if announced else body


def _admit(sandbox: SandboxState, request: Request) -> ApiKey:
    return sandbox.keyring.admit(request.headers.get("authorization"))


def _find(sandbox: SandboxState, key: ApiKey, chatbot_id: str) -> Chatbot:
    key.require_chatbot(chatbot_id)
    chatbot = sandbox.fleet.get(chatbot_id)
    if chatbot is None:
        raise not_found("Chatbot")
    return chatbot


def _is_dry_run(request: Request) -> bool:
    match request.query_params.getlist("dryRun"):
        case [] | ["false"]:
            return False
        case ["true"]:
            return True
        case _:
            # Taking `dryRun=1` for a real apply would write what somebody meant to preview.
            raise ApiRefusal(400, "bad_request", "dryRun must be given once, as true or false.")


def _applied(sandbox: SandboxState, key: ApiKey, chatbot: Chatbot, plan: Plan, call: Call) -> Response:
    now = sandbox.clock()

    def failure_of(op: Op) -> OpError | None:
        fault = sandbox.faults.take_op_failure(call, op.section, op.key)
        return None if fault is None else OpError(fault.status, fault.code, fault.message)

    execution = execute(plan, chatbot, now, failure_of)
    call.executed(execution.changes_json(), timestamp(now))
    if execution.changes:
        sandbox.fleet.announce_change()
    result = _result_json(plan, execution, config_document(read_config(chatbot, now), key))
    return JSONResponse(result, status_code=200 if execution.failed is None else 422)


def _result_json(plan: Plan, execution: Execution, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "dryRun": False,
        "plan": plan.as_json(),
        "applied": execution.applied_json(),
        "failed": execution.failed_json(),
        "config": config,
    }
