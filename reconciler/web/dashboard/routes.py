"""The routes of all pages."""

from reconciler.web.dashboard.pages import fleet, plan

ROUTERS = (fleet.router, plan.router)
