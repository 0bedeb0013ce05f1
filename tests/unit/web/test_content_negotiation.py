import pytest

from reconciler.web.http.content_negotiation import negotiate
from reconciler.web.http.problems import Problem

OFFERED = ("application/json", "text/markdown", "text/plain")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/markdown", "text/markdown"),
        ("text/*", "text/markdown"),
        ("text/plain, */*;q=0.1", "text/plain"),
        ("text/plain;q=0.5, text/markdown;q=0.9", "text/markdown"),
        ("TEXT/PLAIN", "text/plain"),
        ("application/json;q=0, text/plain", "text/plain"),
        ("text/*, text/markdown;q=0", "text/plain"),
    ],
)
def test_the_reader_gets_what_suits_best(accept: str | None, chosen: str) -> None:
    assert negotiate(accept, OFFERED) == chosen


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "text/plain;q=x"])
def test_what_suits_nothing_is_not_acceptable(accept: str) -> None:
    with pytest.raises(Problem, match="accept one of"):
        negotiate(accept, OFFERED)
