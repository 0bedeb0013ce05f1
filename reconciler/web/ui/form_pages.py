"""Finds the page that a form belongs to, so that a refused form is shown there."""

import re
from typing import Final

from reconciler.web.ui.paths import chatbot_path, plan_path, source_path

_OF_PLAN: Final = re.compile(r"/plans/([^/]+)/(?:approve|reject|withdraw|apply|revoke|link)")
_OF_SOURCE: Final = re.compile(r"/sources/([^/]+)/(?:refresh|accept|forget)")
_OF_CHATBOT: Final = re.compile(r"/chatbots/([^/]+)/([^/]+)/forget")
_FIXED: Final = (
    (re.compile(r"/plans/decide"), "/plans"),
    (re.compile(r"/tenants/[^/]+/(?:forget|shortcut)"), "/sources"),
    (re.compile(r"/suspend|/resume"), "/"),
    (re.compile(r"/tokens/[^/]+/revoke"), "/tokens"),
    (re.compile(r"/people/[^/]+/(?:bar|unbar|sign-out)"), "/tokens#people"),
    (re.compile(r"/logout"), "/login"),
)


def page_of_form(path: str) -> str | None:
    """The page whose form is sent to an address; None where none is.

    Args:
        path: The address, as it reads without escapes.
    """
    if found := _OF_PLAN.fullmatch(path):
        return plan_path(found[1])
    if found := _OF_SOURCE.fullmatch(path):
        return source_path(found[1])
    if found := _OF_CHATBOT.fullmatch(path):
        return chatbot_path(found[1], found[2])
    return next((page for pattern, page in _FIXED if pattern.fullmatch(path)), None)
