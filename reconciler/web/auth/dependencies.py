"""Dependencies of routes: the engine, the settings, and the caller with the role that the route needs."""

from typing import Annotated

from fastapi import Depends, Request

from reconciler.domain.access import Role
from reconciler.engine.context import Actor, Engine
from reconciler.web.auth.gate import Require, RequirePage
from reconciler.web.http.web_settings import WebSettings


async def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def _settings(request: Request) -> WebSettings:
    settings: WebSettings = request.app.state.settings
    return settings


TheEngine = Annotated[Engine, Depends(_engine)]
TheSettings = Annotated[WebSettings, Depends(_settings)]
Viewer = Annotated[Actor, Depends(Require(Role.VIEWER))]
Operator = Annotated[Actor, Depends(Require(Role.OPERATOR))]
Approver = Annotated[Actor, Depends(Require(Role.APPROVER))]
Admin = Annotated[Actor, Depends(Require(Role.ADMIN))]

ViewerPage = Annotated[Actor, Depends(RequirePage(Role.VIEWER))]
OperatorPage = Annotated[Actor, Depends(RequirePage(Role.OPERATOR))]
ApproverPage = Annotated[Actor, Depends(RequirePage(Role.APPROVER))]
AdminPage = Annotated[Actor, Depends(RequirePage(Role.ADMIN))]
