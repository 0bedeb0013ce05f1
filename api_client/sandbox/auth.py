"""Management API keys: authentication, scopes and rate limits."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from api_client.models import ManagementApiScope
from api_client.sandbox.clock import Clock
from api_client.sandbox.errors import ApiRefusal

ALL_SCOPES = frozenset(scope.value for scope in ManagementApiScope)
DEFAULT_API_KEY = "wpk_live_sandbox_default"
_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key.

    Attributes:
        name: What the journal calls the key, since the secret never leaves.
        secret: The ``wpk_live_…`` value that a caller sends.
        scopes: What the key may do.
        chatbots: The ids that the key may see, or None for all of them.
        requests_per_minute: Calls within any 60 seconds, or None for no limit.
        daily_quota: Calls within one UTC day, or None for no limit.
    """

    name: str
    secret: str = field(repr=False)
    scopes: frozenset[str] = ALL_SCOPES
    chatbots: frozenset[str] | None = None
    requests_per_minute: int | None = None
    daily_quota: int | None = None

    def __post_init__(self) -> None:
        if not self.secret or self.secret != self.secret.strip():
            raise ValueError(f"key {self.name!r}: its value is empty or has blanks around it")

    def may_see(self, chatbot_id: str) -> bool:
        """Return whether the key may use the chatbot."""
        return self.chatbots is None or chatbot_id in self.chatbots

    def require_scope(self, scope: str) -> None:
        """Refuse with 403 ``insufficient_scope`` unless the key has the scope."""
        if scope not in self.scopes:
            raise ApiRefusal(
                403,
                "insufficient_scope",
                f"This key lacks the scope {scope}.",
                details={"requiredScope": scope},
            )

    def require_chatbot(self, chatbot_id: str) -> None:
        """Refuse with 403 ``chatbot_not_in_key_scope`` unless the chatbot is within the key's list."""
        if not self.may_see(chatbot_id):
            raise ApiRefusal(403, "chatbot_not_in_key_scope", "This key may not use this chatbot.")


class _Usage:
    """What one key has used: the calls of the last minute and of the day."""

    def __init__(self) -> None:
        self.recent: deque[datetime] = deque()
        self.day = ""
        self.today = 0

    def forget_before(self, now: datetime) -> None:
        while self.recent and self.recent[0] <= now - _WINDOW:
            self.recent.popleft()
        day = now.astimezone(UTC).date().isoformat()
        if day != self.day:
            self.day, self.today = day, 0


class Keyring:
    """The keys that the sandbox knows, with their use."""

    def __init__(self, keys: Iterable[ApiKey], clock: Clock) -> None:
        self._clock = clock
        self._by_name: dict[str, ApiKey] = {}
        self._by_secret: dict[str, ApiKey] = {}
        self._usage: dict[str, _Usage] = {}
        for key in keys:
            self.put(key)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._by_name.values())

    def get(self, name: str) -> ApiKey | None:
        """Return the key of that name."""
        return self._by_name.get(name)

    def put(self, key: ApiKey) -> None:
        """Add a key, or replace the one of the same name; its use so far still counts."""
        holder = self._by_secret.get(key.secret)
        if holder is not None and holder.name != key.name:
            raise ValueError(f"key {key.name!r} has the same value as key {holder.name!r}")
        self.remove(key.name)
        self._by_name[key.name] = key
        self._by_secret[key.secret] = key

    def remove(self, name: str) -> bool:
        """Remove a key; return whether there was one."""
        key = self._by_name.pop(name, None)
        if key is not None:
            del self._by_secret[key.secret]
        return key is not None

    def admit(self, authorization: str | None) -> ApiKey:
        """Return the caller's key and count the call, or refuse with 401 or 429."""
        key = self._authenticate(authorization)
        self._count(key)
        return key

    def name_of(self, authorization: str | None) -> str | None:
        """Return the name of the caller's key, for the journal; nothing is counted or refused."""
        key = self._find(authorization)
        return None if key is None else key.name

    def _find(self, authorization: str | None) -> ApiKey | None:
        scheme, _, secret = (authorization or "").partition(" ")
        return self._by_secret.get(secret.strip()) if scheme.lower() == "bearer" else None

    def _authenticate(self, authorization: str | None) -> ApiKey:
        key = self._find(authorization)
        if key is None:
            raise ApiRefusal(
                401,
                "invalid_api_key",
                "The API key is missing or not known.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return key

    def _count(self, key: ApiKey) -> None:
        now = self._clock()
        usage = self._usage.setdefault(key.name, _Usage())
        usage.forget_before(now)
        if key.requests_per_minute is not None and len(usage.recent) >= key.requests_per_minute:
            until = usage.recent[0] + _WINDOW if usage.recent else now + _WINDOW
            raise _too_many("rate_limited", "Too many requests this minute.", until - now)
        if key.daily_quota is not None and usage.today >= key.daily_quota:
            midnight = datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC)
            wait = midnight + timedelta(days=1) - now
            raise _too_many("quota_exceeded", "The daily quota of this key is used up.", wait)
        usage.recent.append(now)
        usage.today += 1


def _too_many(code: str, message: str, wait: timedelta) -> ApiRefusal:
    seconds = max(1, math.ceil(wait.total_seconds()))
    return ApiRefusal(429, code, message, headers={"Retry-After": str(seconds)})


def default_keys() -> tuple[ApiKey, ...]:
    """Return the one key of a sandbox that was given none: every scope, every chatbot, no limits."""
    return (ApiKey(name="default", secret=DEFAULT_API_KEY),)


def keys_from_secrets(secrets: Iterable[str]) -> tuple[ApiKey, ...]:
    """Return one key with every scope per secret, named ``key-1``, ``key-2`` and so on.

    Raises:
        ValueError: A secret is empty.
    """
    return tuple(
        ApiKey(name=f"key-{number}", secret=secret) for number, secret in enumerate(dict.fromkeys(secrets), start=1)
    )
