"""What the SDK raises, in the domain's words. Pure: nothing is sent, waited for or logged here."""

import re
from http import HTTPStatus

from api_client.contract import SECTION_SCOPES
from api_client.errors import WizChatApiError, WizChatConnectionError, WizChatError, WizChatResponseError
from reconciler import errors
from reconciler.domain.apply_answers import ApplyAnswer, ApplyRefused, ApplyUnclear, NotSent

_LONGEST_QUOTE = 300
_SCOPE = re.compile(r"[a-z_]{1,40}(?::[a-z_]{1,40})?", re.ASCII)


def target_error(
    error: WizChatError, *, tenant: str, chatbot_id: str | None = None, setting: str = "api_key"
) -> errors.TargetError:
    """What went wrong with a read or a dry run, as one sentence that says what to change.

    Args:
        error: What the SDK raised.
        tenant: Whose call it was.
        chatbot_id: The chatbot that it was about; None for the list.
        setting: Of the tenant, the one that holds the key.
    """
    match error:
        case WizChatApiError():
            return _refusal(error, tenant, chatbot_id, setting)
        case WizChatConnectionError():
            return errors.TargetUnreachable(
                f"WizChat cannot be reached ({quoted(str(error))}): check base_url of tenant {tenant} and the network"
            )
        case WizChatResponseError():
            return errors.BadAnswer(
                f"WizChat's answer cannot be read ({quoted(str(error))}): check that base_url of tenant {tenant} "
                "is that of the Management API"
            )
        case _:
            return errors.TargetUnreachable(f"WizChat gave no clear answer ({quoted(str(error))}): try again")


def _refusal(error: WizChatApiError, tenant: str, chatbot_id: str | None, setting: str) -> errors.TargetError:
    match error.status:
        case HTTPStatus.UNAUTHORIZED:
            return errors.TargetUnauthorized(
                f"WizChat refused the API key: put a valid key in {setting} (WIZCHAT_{setting.upper()}) of tenant "
                f"{tenant}"
            )
        case HTTPStatus.FORBIDDEN:
            return _forbidden(error, tenant, chatbot_id)
        case HTTPStatus.NOT_FOUND if chatbot_id is not None and error.has_envelope:
            return errors.ChatbotNotFound(
                f"chatbot {chatbot_id} was not found at WizChat: remove the document or correct metadata.chatbotId"
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _too_many(error, tenant)
        case _:
            return _other(error, tenant)


def _other(error: WizChatApiError, tenant: str) -> errors.TargetError:
    if _may_pass(error):
        return errors.TargetUnreachable(
            f"WizChat answered with status {error.status} ({quoted(error.message)}): try again later"
        )
    if not error.has_envelope:
        return errors.BadAnswer(
            f"status {error.status} came without WizChat's error envelope: check that base_url of tenant {tenant} "
            "is that of the Management API"
        )
    return errors.RequestRefused(
        f"WizChat refused the request with {error.code}: {quoted(error.message)}{_refused_fields(error)}"
    )


def _may_pass(error: WizChatApiError) -> bool:
    """Whether the same request may be answered later: no other server becomes WizChat by waiting for it."""
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return error.has_envelope
    return error.status > HTTPStatus.NOT_IMPLEMENTED


def _refused_fields(error: WizChatApiError) -> str:
    return f" ({quoted(str(error.details))})" if error.details else ""


def _forbidden(error: WizChatApiError, tenant: str, chatbot_id: str | None) -> errors.TargetError:
    match error.code:
        case "insufficient_scope":
            return _scope_missing(error.required_scope, tenant)
        case "chatbot_not_in_key_scope":
            return errors.ChatbotHidden(
                f"the API key may not use chatbot {chatbot_id}: add the chatbot to the key of tenant {tenant} or "
                "correct metadata.chatbotId"
            )
        case _:
            return errors.RequestRefused(f"WizChat refused the request with {error.code}: {quoted(error.message)}")


def _scope_missing(scope: str | None, tenant: str) -> errors.ScopeMissing:
    if scope is None:
        return errors.ScopeMissing(f"the API key lacks a scope: add the read scopes to the key of tenant {tenant}")
    guarded = ", ".join(f"spec.{name}" for name in _guarded_by(scope))
    what = f" (for {guarded})" if guarded else ""
    return errors.ScopeMissing(
        f"the API key lacks the scope {quoted(scope)}{what}: add it to the key of tenant {tenant}", scope
    )


def _sound_scope(scope: str | None) -> str | None:
    """A scope that can be kept and shown, as it reads like one; else None."""
    return scope if scope is not None and _SCOPE.fullmatch(scope) else None


def _guarded_by(scope: str) -> tuple[str, ...]:
    """The sections that a scope guards."""
    return tuple(name for name, guard in SECTION_SCOPES.items() if guard == scope.partition(":")[0])


def _too_many(error: WizChatApiError, tenant: str) -> errors.TargetRateLimited:
    wait = f"in {error.retry_after:.0f} s" if error.retry_after is not None else "later"
    if error.is_quota_exceeded:
        return errors.QuotaExceeded(
            f"the daily quota of tenant {tenant}'s API key is used up: raise it at WizChat, or try again {wait}",
            error.retry_after,
        )
    return errors.TargetRateLimited(
        f"WizChat asks to slow down: lower requests_per_minute of tenant {tenant}, or try again {wait}",
        error.retry_after,
    )


def answer_of_error(error: WizChatError) -> ApplyAnswer:
    """What an error of an apply says: in doubt, that nothing is known."""
    match error:
        case WizChatConnectionError(maybe_sent=False):
            return NotSent(quoted(str(error)))
        case WizChatApiError() if error.has_envelope and _is_client_error(error.status):
            scope = _sound_scope(error.required_scope)
            return ApplyRefused(error.code, quoted(error.message), scope, _guarded_by(scope) if scope else ())
        case _:
            return ApplyUnclear(quoted(str(error)))


def _is_client_error(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def quoted(text: str | None) -> str:
    """Foreign text, fit to stand within one line of a message."""
    line = " ".join((text or "no message").split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"
