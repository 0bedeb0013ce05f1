"""What the SDK raises becomes one sentence that says what to change."""

import pytest

from api_client import (
    ApplyOutcomeUnknown,
    WizChatApiError,
    WizChatConnectionError,
    WizChatError,
    WizChatResponseError,
)
from reconciler import errors
from reconciler.domain.apply_answers import ApplyAnswer, ApplyRefused, ApplyUnclear, NotSent
from reconciler.targets.error_translation import answer_of_error, quoted, target_error

SCOPE = WizChatApiError(403, "insufficient_scope", "No.", {"requiredScope": "mcp:read"})


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            WizChatApiError(401, "invalid_api_key", "No."),
            errors.TargetUnauthorized,
            "valid key in api_key .WIZCHAT_API_KEY. of tenant t",
        ),
        (WizChatApiError(401), errors.TargetUnauthorized, "valid key in api_key .WIZCHAT_API_KEY. of tenant t"),
        (SCOPE, errors.ScopeMissing, r"scope mcp:read \(for spec\.mcpServers\).*key of tenant t"),
        (WizChatApiError(403, "insufficient_scope", "No."), errors.ScopeMissing, "lacks a scope"),
        (WizChatApiError(403, "chatbot_not_in_key_scope", "No."), errors.ChatbotHidden, "may not use chatbot bot_1"),
        (WizChatApiError(403, "plan_upgrade_required", "Pay."), errors.RequestRefused, "plan_upgrade_required: Pay"),
        (WizChatApiError(404, "not_found", "No."), errors.ChatbotNotFound, "bot_1 was not found"),
        (WizChatApiError(404), errors.BadAnswer, "base_url of tenant t"),
        (WizChatApiError(301), errors.BadAnswer, "base_url of tenant t"),
        (WizChatApiError(400, "bad_request", "No.", {"fieldErrors": [1]}), errors.RequestRefused, "fieldErrors"),
        (WizChatApiError(429, "rate_limited", "No.", retry_after=7), errors.TargetRateLimited, "in 7 s"),
        (WizChatApiError(429, "quota_exceeded", "No.", retry_after=9), errors.QuotaExceeded, "daily quota.*in 9 s"),
        (WizChatApiError(500, "internal_error", "Oops."), errors.TargetUnreachable, "status 500 .*try again later"),
        (WizChatApiError(500), errors.BadAnswer, "status 500 came without.*base_url of tenant t"),
        (WizChatApiError(501), errors.BadAnswer, "status 501 came without.*base_url of tenant t"),
        (WizChatApiError(501, "not_implemented", "No."), errors.RequestRefused, "refused .*not_implemented: No"),
        (WizChatApiError(502), errors.TargetUnreachable, "status 502 .*try again later"),
        (WizChatApiError(503), errors.TargetUnreachable, "status 503"),
        (WizChatConnectionError("refused"), errors.TargetUnreachable, "check base_url of tenant t"),
        (WizChatResponseError("no JSON"), errors.BadAnswer, "no JSON"),
        (ApplyOutcomeUnknown("?"), errors.TargetUnreachable, "no clear answer"),
    ],
)
def test_each_error_says_what_to_change(error: WizChatError, kind: type[errors.TargetError], says: str) -> None:
    raised = target_error(error, tenant="t", chatbot_id="bot_1")
    assert type(raised) is kind
    with pytest.raises(kind, match=says):
        raise raised
    assert "\n" not in str(raised)


def test_a_missing_scope_and_a_wait_can_be_read_off_the_error() -> None:
    scope = target_error(SCOPE, tenant="t")
    assert isinstance(scope, errors.ScopeMissing)
    assert scope.scope == "mcp:read"
    quota = target_error(WizChatApiError(429, "quota_exceeded", "No.", retry_after=9), tenant="t")
    assert isinstance(quota, errors.QuotaExceeded)
    assert quota.retry_after == 9
    slower = target_error(WizChatApiError(429, "rate_limited", "No.", retry_after=7), tenant="t")
    assert isinstance(slower, errors.TargetRateLimited)
    assert slower.retry_after == 7


def test_a_404_of_the_list_is_no_missing_chatbot() -> None:
    assert type(target_error(WizChatApiError(404, "not_found", "No."), tenant="t")) is errors.RequestRefused


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (WizChatConnectionError("connection refused", maybe_sent=False), NotSent("connection refused")),
        (WizChatConnectionError("reset"), ApplyUnclear("reset")),
        (WizChatApiError(403, "insufficient_scope", "No."), ApplyRefused("insufficient_scope", "No.")),
        (
            WizChatApiError(403, "insufficient_scope", "No.", {"requiredScope": "mcp:write"}),
            ApplyRefused("insufficient_scope", "No.", "mcp:write", ("mcpServers",)),
        ),
        (
            WizChatApiError(403, "insufficient_scope", "No.", {"requiredScope": "deploy"}),
            ApplyRefused("insufficient_scope", "No.", "deploy"),
        ),
        (
            WizChatApiError(403, "insufficient_scope", "No.", {"requiredScope": "skills:write\ud800\x00" * 99}),
            ApplyRefused("insufficient_scope", "No."),
        ),
        (WizChatApiError(429, "rate_limited", "Slow."), ApplyRefused("rate_limited", "Slow.")),
        (WizChatApiError(422, "bad_request", "No."), ApplyRefused("bad_request", "No.")),
        (WizChatApiError(400, "bad_request", "No."), ApplyRefused("bad_request", "No.")),
        (WizChatApiError(499, "gone", "No."), ApplyRefused("gone", "No.")),
        (WizChatApiError(403), ApplyUnclear("API error 403 [http_403]: Request failed with status 403")),
        (WizChatApiError(500, "internal_error", "Oops."), ApplyUnclear("API error 500 [internal_error]: Oops.")),
        (ApplyOutcomeUnknown("lost"), ApplyUnclear("lost")),
        (WizChatResponseError("half"), ApplyUnclear("half")),
    ],
)
def test_only_what_proves_it_is_not_sent_or_refused(error: WizChatError, answer: ApplyAnswer) -> None:
    """Rule 4: the answer to an apply is classified, in doubt as unknown."""
    assert answer_of_error(error) == answer


def test_foreign_text_is_one_line_of_bearable_length() -> None:
    assert quoted("a\n b\tc") == "a b c"
    assert len(quoted("x" * 5000)) < 400
