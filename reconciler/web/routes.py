"""Collects the routers of all features."""

from reconciler.web.access import api as access_api
from reconciler.web.access import page as access_page
from reconciler.web.audit import api as audit_api
from reconciler.web.audit import page as audit_page
from reconciler.web.chatbots import api as chatbots_api
from reconciler.web.chatbots import page as chatbot_page
from reconciler.web.events import api as events_api
from reconciler.web.fleet import api as fleet_api
from reconciler.web.fleet import page as fleet_page
from reconciler.web.forget import api as forget_api
from reconciler.web.forget import page as forget_page
from reconciler.web.monitoring import api as monitoring_api
from reconciler.web.plans import api as plans_api
from reconciler.web.plans import groups, list_page, share_page
from reconciler.web.plans import page as plan_page
from reconciler.web.runs import api as runs_api
from reconciler.web.runs import page as runs_page
from reconciler.web.settings import page as settings_page
from reconciler.web.sources import api as sources_api
from reconciler.web.sources import page as sources_page
from reconciler.web.suspensions import api as suspensions_api
from reconciler.web.suspensions import page as suspensions_page
from reconciler.web.tenants import api as tenants_api
from reconciler.web.tenants import page as tenants_page
from reconciler.web.webhooks import api as webhooks_api

API_ROUTERS = (
    fleet_api.router, chatbots_api.router, audit_api.router, plans_api.router, sources_api.router, runs_api.router,
    forget_api.router, tenants_api.router, suspensions_api.router, access_api.router, events_api.router,
    webhooks_api.router, monitoring_api.router,
)  # fmt: skip
"""Everything that OpenAPI describes, in its order."""

PAGE_ROUTERS = (
    fleet_page.router, chatbot_page.router, suspensions_page.router, plan_page.router, list_page.router, groups.router,
    share_page.router, runs_page.router, sources_page.router, forget_page.router, tenants_page.router,
    settings_page.router, audit_page.router, access_page.router,
)  # fmt: skip
