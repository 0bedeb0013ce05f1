"""Which spellings name one repository: what is told apart begins anew, what is not inherits."""

import pytest

from reconciler.domain.git_urls import same_repository

HTTPS = "https://git.example.com/acme/bots"
SSH = "ssh://git@git.example.com/acme/bots"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HTTPS, HTTPS),
        (HTTPS, f"{HTTPS}.git"),
        (HTTPS, f"{HTTPS}/"),
        (HTTPS, f"{HTTPS}.git/"),
        (HTTPS, "HTTPS://Git.Example.COM/acme/bots"),
        (HTTPS, "https://git.example.com:443/acme/bots"),
        (HTTPS, "https://someone@git.example.com/acme/bots"),
        ("http://127.0.0.1/bots", "http://127.0.0.1:80/bots.git"),
        ("https://[2001:DB8::1]/bots", "https://[2001:db8::1]:443/bots"),
        (SSH, "ssh://git@git.example.com:22/acme/bots.git"),
        (SSH, "ssh://git.example.com/acme/bots"),
        (SSH, "ssh://deploy@git.example.com/acme/bots"),
        (SSH, "git@git.example.com:acme/bots.git"),
        (SSH, "git@GIT.example.com:/acme/bots"),
        ("deploy@host:/srv/bots.git", "ssh://host/srv/bots"),
        ("ana@host:bots", "ssh://ana@host/~/bots.git"),
        ("git://host/bots", "git://host:9418/bots.git"),
        ("file:///srv/bots", "file:///srv/bots.git"),
        ("file:///srv/bots", "file:///srv/bots/.git"),
    ],
)
def test_one_repository(one: str, other: str) -> None:
    assert same_repository(one, other)
    assert same_repository(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HTTPS, "https://git.example.com/acme/bots-2"),
        (HTTPS, "https://git.example.com/acme/Bots"),
        (HTTPS, "https://git.example.com/fork/bots"),
        (HTTPS, "https://git.example.com/acme/bots.github"),
        (HTTPS, "https://git.example.org/acme/bots"),
        (HTTPS, "https://git.example.com:8443/acme/bots"),
        (HTTPS, "https://git.example.com:80/acme/bots"),
        (HTTPS, "http://git.example.com/acme/bots"),
        (HTTPS, SSH),
        (SSH, "ssh://git@git.example.com:443/acme/bots"),
        # below another home directory
        ("ana@host:bots", "ben@host:bots"),
        ("ssh://ana@host/~/bots", "ssh://ben@host/~/bots"),
        ("ana@host:bots", "ssh://ana@host/bots"),
        # what is no URL is what it is
        ("https://host:port/bots", "https://host:port/bots.git"),
        ("bots", "bots.git"),
    ],
)
def test_two_repositories(one: str, other: str) -> None:
    assert not same_repository(one, other)
    assert not same_repository(other, one)
