import pytest

from api_client.sandbox import ApiKey
from api_client.sandbox.auth import Keyring, keys_from_secrets
from api_client.sandbox.errors import ApiRefusal
from tests.fakes.clock import FakeClock


def refusal(keyring: Keyring, authorization: str | None) -> ApiRefusal:
    with pytest.raises(ApiRefusal) as caught:
        keyring.admit(authorization)
    return caught.value


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic wpk_live_a", "wpk_live_a"])
def test_a_missing_or_unknown_key_is_refused(header: str | None) -> None:
    keyring = Keyring([ApiKey(name="a", secret="wpk_live_a")], FakeClock().now)
    refused = refusal(keyring, header)
    assert (refused.status, refused.code) == (401, "invalid_api_key")


def test_the_rate_limit_is_a_sliding_minute_and_says_when_to_come_back() -> None:
    clock = FakeClock()
    keyring = Keyring([ApiKey(name="a", secret="wpk_live_a", requests_per_minute=2)], clock.now)
    keyring.admit("Bearer wpk_live_a")
    clock.advance(20)
    keyring.admit("Bearer wpk_live_a")
    refused = refusal(keyring, "Bearer wpk_live_a")
    assert (refused.status, refused.code, refused.headers) == (429, "rate_limited", {"Retry-After": "40"})
    clock.advance(40)
    keyring.admit("Bearer wpk_live_a")
    assert refusal(keyring, "Bearer wpk_live_a").headers == {"Retry-After": "20"}


def test_the_quota_ends_with_the_day() -> None:
    clock = FakeClock()  # it starts at noon
    keyring = Keyring([ApiKey(name="a", secret="wpk_live_a", daily_quota=1)], clock.now)
    keyring.admit("Bearer wpk_live_a")
    refused = refusal(keyring, "Bearer wpk_live_a")
    assert (refused.code, refused.headers) == ("quota_exceeded", {"Retry-After": str(12 * 3600)})
    clock.advance(12 * 3600)
    keyring.admit("Bearer wpk_live_a")


def test_keys_are_limited_each_for_itself() -> None:
    keys = [ApiKey(name=name, secret=f"wpk_live_{name}", requests_per_minute=1) for name in "ab"]
    keyring = Keyring(keys, FakeClock().now)
    keyring.admit("Bearer wpk_live_a")
    keyring.admit("Bearer wpk_live_b")
    assert refusal(keyring, "Bearer wpk_live_a").code == "rate_limited"


def test_a_replaced_key_keeps_its_use_and_its_old_value_is_forgotten() -> None:
    keyring = Keyring([ApiKey(name="a", secret="wpk_live_old")], FakeClock().now)
    keyring.admit("Bearer wpk_live_old")
    keyring.put(ApiKey(name="a", secret="wpk_live_new", requests_per_minute=1))
    assert refusal(keyring, "Bearer wpk_live_old").code == "invalid_api_key"
    assert refusal(keyring, "Bearer wpk_live_new").code == "rate_limited"


def test_two_keys_cannot_share_a_value_and_a_value_is_not_empty() -> None:
    keyring = Keyring([ApiKey(name="a", secret="wpk_live_a")], FakeClock().now)
    with pytest.raises(ValueError, match="same value"):
        keyring.put(ApiKey(name="b", secret="wpk_live_a"))
    with pytest.raises(ValueError, match="empty"):
        ApiKey(name="c", secret="")


def test_the_value_of_a_key_does_not_show() -> None:
    assert "wpk_live" not in repr(keys_from_secrets(["wpk_live_a", "wpk_live_a", "wpk_live_b"]))
    assert [key.name for key in keys_from_secrets(["wpk_live_a", "wpk_live_a", "wpk_live_b"])] == ["key-1", "key-2"]
