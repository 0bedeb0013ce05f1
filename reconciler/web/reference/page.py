"""The OpenAPI document, and its page, which needs no network, no script and no token."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from reconciler.web.auth.gate import Public
from reconciler.web.auth.route_policies import role_of
from reconciler.web.http.prebuilt import Prebuilt
from reconciler.web.http.problems import Code
from reconciler.web.ui import templates
from reconciler.web.ui.layout import SIGNED_OUT, Layout

_ANYBODY = Depends(Public("it describes the program, and nothing that is in it"))


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, as the page shows it."""

    id: str
    method: str
    path: str
    role: str | None
    tag: str
    summary: str
    description: str
    parameters: Sequence[Mapping[str, Any]]
    body: str | None
    answers: Sequence[tuple[str, str, str | None]]


@dataclass(frozen=True, slots=True)
class ReferencePage:
    """The HTTP API described.

    Attributes:
        schemas: The shapes, by name, as OpenAPI writes them.
    """

    version: str
    operations: Sequence[Operation]
    schemas: Mapping[str, Any]
    codes: Sequence[Code] = tuple(Code)
    frame: Layout = SIGNED_OUT

    @staticmethod
    def type_name(schema: Mapping[str, Any]) -> str:
        """A schema in a few words."""
        return type_name(schema)


def install(app: FastAPI, routers: Sequence[APIRouter], root_path: str = "") -> None:
    """Have an application describe itself at ``/openapi.json`` and ``/docs``.

    Args:
        app: The application.
        routers: What is described.
        root_path: The path below which people reach it.
    """
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app, routes, root_path)
        return app.openapi_schema

    @cache
    def ready_schema() -> Prebuilt:
        return Prebuilt.of(bytes(JSONResponse(app.openapi()).body), "application/json")

    @cache
    def ready_page() -> Prebuilt:
        described = app.openapi()
        operations = list(_operations(described))
        reference = ReferencePage(
            version=app.version, operations=operations, schemas=described["components"]["schemas"]
        )
        return Prebuilt.of(templates.render("reference/reference.html", reference).encode(), "text/html")

    async def schema(request: Request) -> Response:
        return ready_schema().answer(request.scope)

    async def page(request: Request) -> Response:
        return ready_page().answer(request.scope)

    # FastAPI's own way to say another document
    app.openapi = openapi  # type: ignore[method-assign]
    for path, answer in (("/openapi.json", schema), ("/docs", page)):
        app.add_api_route(path, answer, include_in_schema=False, response_model=None, dependencies=[_ANYBODY])


def _described(app: FastAPI, routes: Sequence[APIRoute], root_path: str) -> dict[str, Any]:
    servers = [{"url": root_path}] if root_path else None
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes, servers=servers
    )
    for route in routes:
        role = role_of(route)
        for method in (route.methods or ()) if role else ():
            document["paths"][route.path][method.lower()]["x-required-role"] = role
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield Operation(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                role=operation.get("x-required-role"),
                tag=operation["tags"][0],
                summary=operation["summary"],
                description=operation["description"],
                parameters=operation.get("parameters", ()),
                body=_schema_of(operation.get("requestBody")),
                answers=[
                    (code, item["description"], _schema_of(item)) for code, item in operation["responses"].items()
                ],
            )


def _schema_of(part: Mapping[str, Any] | None) -> str | None:
    content = (part or {}).get("content", {})
    schema = next((item.get("schema") for item in content.values()), None)
    return type_name(schema) if schema else None


def type_name(schema: Mapping[str, Any]) -> str:  # noqa: PLR0911  one return per kind of schema
    """A schema in a few words."""
    match schema:
        case {"$ref": ref}:
            return str(ref).rpartition("/")[2]
        case {"anyOf": [*options]}:
            return " | ".join(type_name(option) for option in options)
        case {"enum": [*values]}:
            return " | ".join(str(value) for value in values)
        case {"const": value}:
            return str(value)
        case {"type": "array", "items": items}:
            return f"[{type_name(items)}]"
        case {"format": form}:
            return str(form)
        case _:
            return str(schema.get("type", "any"))
