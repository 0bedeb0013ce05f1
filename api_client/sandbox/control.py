"""The control API below ``/_sandbox/``: live edits, keys, faults and the journal.

It is never part of the contract.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Body, HTTPException, Response
from starlette.responses import JSONResponse

from api_client.sandbox.auth import ALL_SCOPES, ApiKey
from api_client.sandbox.clock import timestamp
from api_client.sandbox.control_requests import KeyOrder, NewChatbot
from api_client.sandbox.edits import Edit, EditRefused, edited
from api_client.sandbox.faults import Fault
from api_client.sandbox.fleet import Chatbot
from api_client.sandbox.seed import SeedError, chatbot_from_json, fleet_json
from api_client.sandbox.state import SandboxState
from api_client.sandbox.views import public_chatbot


def control_routes(sandbox: SandboxState) -> APIRouter:
    """Return the control surface over one sandbox's state. It asks for no key: bind it to loopback."""
    router = APIRouter(prefix="/_sandbox")
    for add in (_fleet_routes, _key_routes, _fault_routes, _journal_routes):
        add(router, sandbox)
    return router


def _fleet_routes(router: APIRouter, sandbox: SandboxState) -> None:
    @router.get("/state")
    async def get_state() -> Response:
        keys = [_key_json(key) for key in sandbox.keyring]
        return JSONResponse({**fleet_json(sandbox.fleet), "keys": keys, "held_writes": len(sandbox.held)})

    @router.post("/chatbots")
    async def add_chatbot(order: NewChatbot) -> Response:
        now = timestamp(sandbox.clock())
        seed = {"createdAt": now, "updatedAt": now, **order.model_dump(exclude_none=True)}
        chatbot = _refusing(lambda: chatbot_from_json(seed, "chatbot"), 422)
        _refusing(lambda: sandbox.fleet.add(chatbot), 409)
        return JSONResponse({"chatbot": public_chatbot(chatbot, sandbox.clock())}, status_code=201)

    @router.delete("/chatbots/{chatbot_id}")
    async def remove_chatbot(chatbot_id: str) -> Response:
        _existing_chatbot(sandbox, chatbot_id)
        sandbox.fleet.remove(chatbot_id)
        return JSONResponse({"removed": chatbot_id})

    @router.post("/chatbots/{chatbot_id}/edit")
    async def edit_chatbot(chatbot_id: str, edit: Edit) -> Response:
        chatbot = _existing_chatbot(sandbox, chatbot_id)
        value = _refusing(lambda: edited(chatbot, edit, sandbox.clock()), 422)
        sandbox.fleet.announce_change()
        answer = {"section": edit.section, "key": edit.key, "value": value, "updatedAt": chatbot.updated_at}
        return JSONResponse(answer)


def _key_routes(router: APIRouter, sandbox: SandboxState) -> None:
    @router.post("/keys")
    async def put_key(order: KeyOrder) -> Response:
        existing = sandbox.keyring.get(order.name)
        secret = order.key or (existing.secret if existing else None)
        if secret is None:
            raise HTTPException(422, f"key {order.name!r} is new: state its value as `key`")
        key = _refusing(lambda: _ordered_key(order, secret), 422)
        _refusing(lambda: sandbox.keyring.put(key), 409)
        return JSONResponse(_key_json(key), status_code=200 if existing else 201)

    @router.delete("/keys/{name}")
    async def remove_key(name: str) -> Response:
        if not sandbox.keyring.remove(name):
            raise HTTPException(404, f"there is no key {name!r}")
        return JSONResponse({"removed": name})


def _fault_routes(router: APIRouter, sandbox: SandboxState) -> None:
    @router.get("/faults")
    async def list_faults() -> Response:
        return JSONResponse({"faults": sandbox.faults.as_json()})

    @router.post("/faults")
    async def add_fault(fault: Fault = Body()) -> Response:  # noqa: B008, FAST002 - a union needs Body here
        return JSONResponse(sandbox.faults.add(fault), status_code=201)

    @router.delete("/faults")
    async def clear_faults() -> Response:
        sandbox.faults.clear()
        return JSONResponse({"faults": []})

    @router.post("/held-writes")
    async def let_writes_go() -> Response:
        return JSONResponse({"let_go": await sandbox.held.let_go()})


def _journal_routes(router: APIRouter, sandbox: SandboxState) -> None:
    @router.get("/journal")
    async def get_journal(after: int = 0) -> Response:
        return JSONResponse(sandbox.journal.as_json(after))

    @router.delete("/journal")
    async def clear_journal() -> Response:
        sandbox.journal.clear()
        return JSONResponse(sandbox.journal.as_json())


def _existing_chatbot(sandbox: SandboxState, chatbot_id: str) -> Chatbot:
    chatbot = sandbox.fleet.get(chatbot_id)
    if chatbot is None:
        raise HTTPException(404, f"there is no chatbot {chatbot_id!r}")
    return chatbot


def _refusing(step: Callable[[], Any], status: int) -> Any:
    try:
        return step()
    except (SeedError, EditRefused, ValueError) as error:
        raise HTTPException(status, str(error)) from error


def _ordered_key(order: KeyOrder, secret: str) -> ApiKey:
    return ApiKey(
        name=order.name,
        secret=secret,
        scopes=ALL_SCOPES if order.scopes is None else frozenset(map(str, order.scopes)),
        chatbots=None if order.chatbots is None else frozenset(order.chatbots),
        requests_per_minute=order.requests_per_minute,
        daily_quota=order.daily_quota,
    )


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "chatbots": None if key.chatbots is None else sorted(key.chatbots),
        "requests_per_minute": key.requests_per_minute,
        "daily_quota": key.daily_quota,
    }
