"""Keys are found wherever they stand, what only looks a little like one is left alone, and no text keeps them."""

import hashlib

import pytest

from reconciler.domain.secrets import SHAPES, find_secrets, redacted
from tests.hostile.corpus.secret_cases import keys

KEYS = {name: "".join(parts) for name, parts in keys().items()}

INNOCENT = (
    "Answer in the customer's language, be brief, and never promise a refund.",
    "Ask for the order number, such as ORD-2026-000123, before you look anything up.",
    "If a customer pastes an API key (it begins with wpk_live_), tell them to revoke it at once.",
    "export WIZCHAT_API_KEY=wpk_live_…",
    "Authorization: Bearer ${WIZCHAT_API_KEY}",
    "Authorization: Bearer <your-token>",
    "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE_1",
    "Bearer authentication is explained at https://docs.acme.example/authentication",
    "The bearer of this voucher1 gets ten percent off",
    "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
    "sk_live_************************",
    "sk_live_... is a secret key, pk_live_... is a public one",
    "sk_live_your_key_here",
    "pk_live_51HqLyjWDarjtT1zdp7dc39Hq is public",
    "a refund of 25.00 EUR to DE89 3704 0044 0532 0130 00",
    "AKIAIOSFODNN7EXAMPLE",
    "AKIA is how every access key id of AWS begins",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_ and gho_ and github_pat_ are the beginnings of GitHub's tokens",
    "ghp_000000000000000000000000000000000000",
    "ghp_REPLACE_ME",
    "glpat-<personal-access-token>",
    "xoxb-your-slack-bot-token-goes-here-1",
    "Post it to https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "a risk-management-of-customer-relations-and-expectations-2026 workshop",
    "The task-force-for-sk-learning-environments-and-training-2 meets on Mondays",
    "sk-learn, sk-0, and sk-management",
    "https://user:password@example.com/path",
    "https://USER:PASS@git.acme.example/bots.git",
    "https://${USER}:${TOKEN}@git.acme.example/bots.git",
    "https://<user>:<password>@git.acme.example/bots.git",
    "postgresql://app:secret@localhost/app",
    "http://localhost:8080/callback?email=me@example.com",
    "Write to support@acme.example or see https://acme.example:8443/help@desk",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "A text between -----BEGIN RSA PRIVATE KEY----- and -----END RSA PRIVATE KEY----- is a key.",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEr1\n-----END PUBLIC KEY-----",
    "eyJhbGciOiJIUzI1NiJ9 is how the head of such a token looks",
    "commit 2f1d3e4c5b6a79880f1e2d3c4b5a69788f9e0d1c",
    "550e8400-e29b-41d4-a716-446655440000",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "SKU1234567890, SK-4411, and SK50M3-BLUE",
    "Our number is 0123456789:AA, our fax 0123456789:AB",
    "key-value pairs, key-1, and key-deadbeef",
    "npm_config_loglevel=silent hides npm_lifecycle_event",
    "hf_hub_download is a function, hf_transfer a package",
    "SG.1 is Singapore's first district; SG. stands for Singapore",
    "DD_API_KEY=${DD_API_KEY} and aws_secret_access_key = <secret>",
    "HEROKU_API_KEY: 00000000-0000-0000-0000-000000000000",
    "AccountKey=...;EndpointSuffix=core.windows.net",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "wpk_live_ac3f",
    "wzr_…",
)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_every_shape_is_found_in_prose_and_taken_out(name: str) -> None:
    text = f"Use this:\n  {KEYS[name]}\nand nothing else."
    (found,) = find_secrets(text)
    assert "Use this" not in text[found.start : found.end]
    shown = redacted(text)
    secret = max(keys()[name], key=len).strip().split("\n")[0]
    assert secret not in shown
    assert f"[{found.kind}]" in shown
    assert shown.startswith("Use this:\n")
    assert shown.endswith("and nothing else.")


def test_there_are_at_least_thirty_shapes() -> None:
    assert len(KEYS) >= 30
    assert len({find_secrets(text)[0].kind for text in KEYS.values()}) >= 30
    assert len({shape.kind for shape in SHAPES}) >= 30


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_key_is_left_alone(text: str) -> None:
    assert find_secrets(text) == []
    assert redacted(text) == text


def test_several_keys_in_one_text_are_all_taken_out() -> None:
    text = " ".join(KEYS.values())
    shown = redacted(text)
    assert all(max(parts, key=len).strip().split("\n")[0] not in shown for parts in keys().values())


def test_a_found_secret_does_not_hold_the_secret() -> None:
    (found,) = find_secrets(KEYS["github-classic"])
    assert KEYS["github-classic"][4:] not in repr(found)


def test_nothing_of_two_keys_that_overlap_is_shown() -> None:
    text = f"Authorization: Bearer {KEYS['github-classic']}.and-its-tail"
    assert redacted(text) == "Authorization: [a Bearer token]"


@pytest.mark.parametrize("word", ["sample", "replace", "example"])
def test_a_word_in_the_header_of_a_whole_private_key_does_not_excuse_it(word: str) -> None:
    begin, end = (f"-----{edge} " + "RSA PRIVATE KEY-----" for edge in ("BEGIN", "END"))
    body = "\n".join(hashlib.sha512(bytes([line])).hexdigest()[:64] for line in range(20))
    text = f"{begin}\nComment: a {word} of ours\n\n{body}\n{end}"
    assert [secret.kind for secret in find_secrets(text)] == ["a private key"]
