"""Sees whatever a page should not have done: errors, reports of the content security policy, payloads that ran."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError

EXECUTED: Final = "executed"
"""The function that payloads call."""

_LISTEN: Final = """
document.addEventListener("securitypolicyviolation", event => console.error(
  `CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample} ${event.sourceFile}:${event.lineNumber}`))
"""


@dataclass
class Watch:
    """What went wrong in the browser contexts that it was put to.

    Attributes:
        errors: Errors of scripts, messages of errors and reports of the policy.
        executions: The payloads that ran.
        expected: Patterns of errors that belong to what a test does, such as an answer 409.
    """

    errors: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)

    def over(self, context: BrowserContext) -> BrowserContext:
        """Watch every page of a context."""
        context.expose_binding(EXECUTED, self._ran)
        context.add_init_script(_LISTEN)
        context.on("console", self._said)
        context.on("weberror", self._failed)
        return context

    def expect(self, *patterns: str) -> None:
        """Let errors pass that belong to what the test does."""
        self.expected += [re.compile(pattern) for pattern in patterns]

    def found(self) -> Sequence[str]:
        """Everything that should not have happened."""
        ran = [f"payload {payload} ran" for payload in self.executions]
        return ran + [error for error in self.errors if not any(known.search(error) for known in self.expected)]

    def _ran(self, source: dict[str, Any], payload: object = None) -> None:
        self.executions.append(f"{payload} on {source['page'].url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"} or "Content Security Policy" in message.text:
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _failed(self, failure: WebError) -> None:
        self.errors.append(f"{failure.error}")
