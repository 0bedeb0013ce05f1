"""Request models of tenants."""

from reconciler.web.http.schemas import RequestModel, Text


class ShortcutRequest(RequestModel):
    """Trust the `updatedAt` of a tenant's chatbots again."""

    reason: Text
