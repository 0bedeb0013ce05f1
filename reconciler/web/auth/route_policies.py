"""Checks at start-up that every route declares its role, and every changing route its audit policy."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from reconciler.domain.access import Role
from reconciler.web.auth.audit_policies import Audited, AuditPolicy
from reconciler.web.auth.gate import Public, PublicPage, Require, RequirePage, RequirePageOrLink

RoutePolicy = Require | RequirePage | RequirePageOrLink | Public
_PAGES = RequirePage | RequirePageOrLink | PublicPage
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
P = TypeVar("P")


def policy_of(route: BaseRoute) -> RoutePolicy | None:
    """The rule that is declared at a route, or None."""
    if isinstance(route, APIRoute):
        return _only([call for call in _declared(route) if isinstance(call, RoutePolicy)])
    # a mounted application has no dependencies: it declares itself why it is public
    rule = getattr(getattr(route, "app", None), "rule", None)
    return rule if isinstance(rule, Public) else None


def audit_policy_of(route: BaseRoute) -> AuditPolicy | None:
    """What a route declares of the entries that refused calls leave, or None."""
    if not isinstance(route, APIRoute):
        return None
    return _only([call for call in _declared(route) if isinstance(call, AuditPolicy)])


def is_page(route: BaseRoute) -> bool:
    """Whether a route answers people, in a browser."""
    return isinstance(policy_of(route), _PAGES)


def role_of(route: BaseRoute) -> Role | None:
    """The role that a route needs; None when it needs none."""
    rule = policy_of(route)
    return None if rule is None or isinstance(rule, Public) else rule.role


def all_routes(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, also of routers that were included, and what is mounted."""
    for context in iter_route_contexts(routes):
        yield context.original_route


def paths_of(routes: Sequence[BaseRoute]) -> list[str]:
    """The paths at which there are routes, as the application declares them."""
    return [_path(route) for route in all_routes(routes)]


def check_policies(routes: Sequence[BaseRoute]) -> None:
    """Refuse routes without exactly one rule, or with a declaration of audit entries that is missing or wrong.

    Raises:
        RuntimeError: Naming them.
    """
    every = list(all_routes(routes))
    _refuse("have no rule of who may call them", [route for route in every if policy_of(route) is None])
    changing = [route for route in every if isinstance(route, APIRoute) and _CHANGING.intersection(route.methods or ())]
    _refuse(
        "may change something and do not say what a refusal leaves in the audit log",
        [route for route in changing if audit_policy_of(route) is None],
    )
    _refuse(
        "name a subject of their audit entries by what neither their path nor their body has",
        [route for route in changing if _unknown_names(route)],
    )


def _refuse(fault: str, routes: Sequence[BaseRoute]) -> None:
    if routes:
        raise RuntimeError(f"these routes {fault}: {', '.join(map(_path, routes))}")


def _path(route: BaseRoute) -> str:
    return str(getattr(route, "path", repr(route)))


def _declared(route: APIRoute) -> Sequence[object]:
    return [dependency.call for dependency in route.dependant.dependencies]


def _only(found: Sequence[P]) -> P | None:
    """The one that there is: of two nobody could say which one holds."""
    return found[0] if len(found) == 1 else None


def _unknown_names(route: APIRoute) -> frozenset[str]:
    """What the audit declaration names and the route does not have; the fields of a page's form are not declared."""
    policy = audit_policy_of(route)
    if not isinstance(policy, Audited) or is_page(route):
        return frozenset()
    body = getattr(route.body_field, "field_info", None)
    fields = getattr(getattr(body, "annotation", None), "model_fields", {})
    return policy.names - route.param_convertors.keys() - fields.keys()
