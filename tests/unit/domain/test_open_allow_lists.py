"""Entries of allow lists that let everybody in, or whoever takes a name below a public suffix."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.domain.open_allow_lists import EVERYBODY, is_wider, reach_of_entry, reach_of_pattern


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        " * ",
        "*@*",
        "*.*",
        "https://*",
        "http://*:*",
        "https://*/*",
        "\uff0a",
        "0.0.0.0/0",
        "0.0.0.0/00",
        "0.0.0.0/0.0.0.0",
        "128.0.0.0/1",
        "10.0.0.0/7",
        "::/0",
        "0::0/0",
        "[::]/0",
        "2000::/3",
        "//*",
        "https:/*",
        "*\u3002",
        "\u200b*",
        "acme.*",
        "*com",
        "0.0.0.0-255.255.255.255",
        "0.0.0.0 - 191.255.255.255",
        "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ],
)
def test_patterns_that_let_everybody_in(entry: str) -> None:
    assert reach_of_pattern(entry) == EVERYBODY
    assert reach_of_entry(entry) == {EVERYBODY}


@pytest.mark.parametrize(
    ("entry", "suffix"),
    [
        ("*.com", "com"),
        ("*.COM.", "com"),
        ("*acme.com", "com"),
        ("www.*.com", "com"),
        ("*.co.uk", "co.uk"),
        ("https://*.co.uk:8443/app", "co.uk"),
        ("*@*.com.br", "com.br"),
        ("*.github.io", "github.io"),
        ("*.compute.amazonaws.com", "compute.amazonaws.com"),
        ("*.公司.cn", "公司.cn"),
        ("*.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("*.unheard-of", "unheard-of"),
        ("*\u3002com", "com"),
        ("*.c\u00adom", "com"),
        ("https:/*.com/x", "com"),
    ],
)
def test_patterns_that_let_everybody_below_a_public_suffix_in(entry: str, suffix: str) -> None:
    assert reach_of_pattern(entry) == suffix
    assert reach_of_entry(entry) == {suffix}


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "acme.example",
        "*.acme.example",
        "https://*.acme.example",
        "*.acme.co.uk",
        "https://*.acme.github.io",
        "*@acme.example",
        "ann@acme.example",
        "@",
        "10.0.*.*",
        "10.0.0.0/8",
        "192.0.2.1",
        "2001:db8::/32",
        "2001:db8::1",
        "/api/*",
        "/*",
        "localhost",
        "www.ck",
    ],
)
def test_entries_that_let_some_in(entry: str) -> None:
    assert reach_of_pattern(entry) is None
    assert reach_of_entry(entry) == frozenset()


@pytest.mark.parametrize(
    ("entry", "reach"),
    [
        ("com", {"com"}),
        (".com", {"com"}),
        ("Co.Uk", {"co.uk"}),
        ("@github.io", {"github.io"}),
        ("*@co.uk", {"co.uk"}),
        ("https://vercel.app/", {"vercel.app"}),
        ("acme.example, com; *", {"com", EVERYBODY}),
        ("'self' https:", {EVERYBODY}),
        ("wss:", {EVERYBODY}),
        ("https:*", {EVERYBODY}),
        ("https://", {EVERYBODY}),
        ("co\u3002uk", {"co.uk"}),
        ("c\u200bom", {"com"}),
        ("com?x", {"com"}),
        ("https://com#x", {"com"}),
        ("?", {EVERYBODY}),
        ("%@%", {EVERYBODY}),
        ("?.*", {EVERYBODY}),
        ("?.com", {"com"}),
        ("%.co.uk", {"co.uk"}),
        ("https://???.com:8443", {"com"}),
        (".*", {EVERYBODY}),
        ("^.*$", {EVERYBODY}),
        (".+", {EVERYBODY}),
        ("0/0", {EVERYBODY}),
        ("0.0/0", {EVERYBODY}),
        ("0.0.0/1", {EVERYBODY}),
        ("10/8", set()),
        ("all", {EVERYBODY}),
        ("<ANY>", {EVERYBODY}),
        ("acme.example everyone", {EVERYBODY}),
        ("acme.example/?q=%", set()),
        ("all.acme.example", set()),
    ],
)
def test_an_access_list_needs_no_asterisk_to_let_everybody_in(entry: str, reach: set[str]) -> None:
    assert reach_of_entry(entry) == reach


def test_a_word_in_prose_is_no_suffix() -> None:
    assert reach_of_pattern("com") is None
    assert reach_of_pattern("a * b") is None
    assert reach_of_pattern("%") is None
    assert reach_of_pattern("all") is None
    assert reach_of_pattern("0/0") is None


@pytest.mark.parametrize(
    ("after", "before", "wider"),
    [
        ({"com"}, set(), True),
        ({EVERYBODY}, {"com"}, True),
        ({"com"}, {EVERYBODY}, False),
        ({"co.uk"}, {"uk"}, False),
        ({"uk"}, {"co.uk"}, True),
        ({"com", "net"}, {"com"}, True),
        (set(), {"com"}, False),
    ],
)
def test_a_reach_is_wider_by_whom_it_lets_in_beside(after: set[str], before: set[str], *, wider: bool) -> None:
    assert is_wider(frozenset(after), frozenset(before)) == wider


@example(":*,")
@given(st.text(st.sampled_from("*.@:/ ,acom1[]\ud800\u00df\u3002")))
def test_no_text_breaks_it_and_no_pattern_is_narrower_in_an_access_list(text: str) -> None:
    assert reach_of_pattern(text) is None or reach_of_entry(text)
