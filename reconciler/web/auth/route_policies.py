"""Every route has a rule; an application with a route without one does not start."""

from collections.abc import Iterator, Sequence

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from reconciler.domain.entities import Role
from reconciler.web.auth.gate import Public, Require, RequirePage, RequirePageOrLink

RoutePolicy = Require | RequirePage | RequirePageOrLink | Public


def policy_of(route: BaseRoute) -> RoutePolicy | None:
    """The rule that stands beside a route, or None."""
    if isinstance(route, APIRoute):
        rules = [
            dependency.call for dependency in route.dependant.dependencies if isinstance(dependency.call, RoutePolicy)
        ]
        return rules[0] if len(rules) == 1 else None
    # what is mounted has no dependencies: it says itself why it is open
    rule = getattr(getattr(route, "app", None), "rule", None)
    return rule if isinstance(rule, Public) else None


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
    return [getattr(route, "path", "") for route in all_routes(routes)]


def check_policies(routes: Sequence[BaseRoute]) -> None:
    """Refuse routes without exactly one rule.

    Raises:
        RuntimeError: Naming them.
    """
    without = [getattr(route, "path", repr(route)) for route in all_routes(routes) if policy_of(route) is None]
    if without:
        raise RuntimeError(f"these routes have no rule of who may call them: {', '.join(without)}")
