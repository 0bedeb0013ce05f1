from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.identity.oidc import code_challenge, url_with_parameters


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    challenge = code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

    assert challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        ("https://sso.example.com/authorize", {}),
        ("https://sso.example.com/authorize?policy=b%20c&empty=", {"policy": ["b c"], "empty": [""]}),
    ],
)
def test_an_endpoint_keeps_its_own_query(endpoint: str, own: dict[str, list[str]]) -> None:
    url = urlsplit(url_with_parameters(endpoint, scope="openid email", redirect_uri="https://us.example.com/x?y=1&z"))

    assert url.geturl().startswith("https://sso.example.com/authorize?")
    assert parse_qs(url.query, keep_blank_values=True) == {
        **own,
        "scope": ["openid email"],
        "redirect_uri": ["https://us.example.com/x?y=1&z"],
    }
