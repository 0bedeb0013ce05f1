"""A Python client of the control API, for tests and demonstrations."""

from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]
_TIMEOUT = 10.0


class SandboxControl:
    """Calls ``/_sandbox/`` of a running sandbox. Every call raises ``httpx.HTTPStatusError`` when refused.

    Args:
        url: The sandbox's base URL.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/_sandbox", timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def edit(self, chatbot_id: str, section: str, **change: Any) -> Json:
        """Edit a chatbot as a person in the dashboard would.

        Args:
            chatbot_id: The chatbot.
            section: The section.
            change: ``key``, ``set``, ``unset``, ``value``, ``delete``, ``keeps_updated_at``.
        """
        return self._call("POST", f"/chatbots/{chatbot_id}/edit", {"section": section, **change})

    def add_chatbot(self, chatbot_id: str, spec: Json) -> Json:
        """Add a chatbot."""
        return self._call("POST", "/chatbots", {"id": chatbot_id, "spec": spec})

    def remove_chatbot(self, chatbot_id: str) -> Json:
        """Remove a chatbot."""
        return self._call("DELETE", f"/chatbots/{chatbot_id}")

    def put_key(self, name: str, **fields: Any) -> Json:
        """Add or replace a key: ``key``, ``scopes``, ``chatbots``, ``requests_per_minute``, ``daily_quota``."""
        return self._call("POST", "/keys", {"name": name, **fields})

    def remove_key(self, name: str) -> Json:
        """Remove a key."""
        return self._call("DELETE", f"/keys/{name}")

    def add_fault(self, kind: str, **fields: Any) -> Json:
        """Order a fault for the next requests that match."""
        return self._call("POST", "/faults", {"kind": kind, **fields})

    def faults(self) -> list[Json]:
        """Return the faults that have not happened yet."""
        faults: list[Json] = self._call("GET", "/faults")["faults"]
        return faults

    def clear_faults(self) -> None:
        """Remove every fault."""
        self._call("DELETE", "/faults")

    def let_writes_go(self) -> int:
        """Let the held late writes take effect; return how many there were."""
        count: int = self._call("POST", "/held-writes")["let_go"]
        return count

    def journal(self, after: int = 0) -> Json:
        """Return what reached the sandbox after that sequence number."""
        return self._call("GET", f"/journal?after={after}")

    def writes(self) -> list[Json]:
        """Return the real applies that reached the sandbox, whether or not they took effect."""
        writes: list[Json] = self.journal()["writes"]
        return writes

    def clear_journal(self) -> None:
        """Clear the journal."""
        self._call("DELETE", "/journal")

    def state(self) -> Json:
        """Return the whole fleet and the keys' names and rights."""
        return self._call("GET", "/state")

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        response = self._http.request(method, path, json=body)
        response.raise_for_status()
        answer: Json = response.json()
        return answer
