"""The routes of all pages."""

from reconciler.web.dashboard.pages import fleet, link, plan, runs, settings

ROUTERS = (fleet.router, plan.router, link.router, runs.router, settings.router)
