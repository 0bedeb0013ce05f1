"""The routes of all pages."""

from reconciler.web.dashboard.pages import fleet, link, plan

ROUTERS = (fleet.router, plan.router, link.router)
