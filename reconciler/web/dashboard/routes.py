"""The routes of all pages."""

from reconciler.web.dashboard.pages import (
    audit,
    chatbot,
    fleet,
    forgetting,
    link,
    plan,
    plan_groups,
    plans,
    runs,
    settings,
    sources,
    suspending,
    tokens,
)

ROUTERS = (
    fleet.router,
    chatbot.router,
    suspending.router,
    plan.router,
    plans.router,
    plan_groups.router,
    link.router,
    runs.router,
    sources.router,
    forgetting.router,
    settings.router,
    audit.router,
    tokens.router,
)
