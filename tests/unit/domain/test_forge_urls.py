from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.forge_urls import Forge, WebRepository

REVISION = "0123456789abcdef0123456789abcdef01234567"
PATH = "chatbots/a b.yaml"


@pytest.mark.parametrize(
    ("forge", "url", "base"),
    [
        (Forge.GITHUB, "https://github.com/acme/bots.git", "https://github.com/acme/bots"),
        (Forge.GITHUB, "https://github.com/acme/bots/", "https://github.com/acme/bots"),
        (Forge.GITHUB, "https://git.acme.example:8443/acme/bots", "https://git.acme.example:8443/acme/bots"),
        (Forge.GITHUB, "https://git.acme.example:443/acme/bots", "https://git.acme.example/acme/bots"),
        (Forge.GITHUB, "https://user:secret@github.com/acme/bots.git", "https://github.com/acme/bots"),
        (Forge.GITHUB, "git@github.com:acme/bots.git", "https://github.com/acme/bots"),
        (Forge.GITHUB, "git@GitHub.com:/acme/bots.git", "https://github.com/acme/bots"),
        (Forge.GITHUB, "ssh://git@ssh.github.com:443/acme/bots.git", "https://github.com/acme/bots"),
        (Forge.GITHUB, "ssh://git@git.acme.example:2222/acme/bots.git", "https://git.acme.example/acme/bots"),
        (Forge.GITHUB, "http://127.0.0.1:3000/acme/bots.git", "http://127.0.0.1:3000/acme/bots"),
        (Forge.GITHUB, "https://[2001:db8::1]:8443/acme/bots", "https://[2001:db8::1]:8443/acme/bots"),
        (Forge.GITLAB, "https://gitlab.com/group/sub group/bots.git", "https://gitlab.com/group/sub%20group/bots"),
        (Forge.GITLAB, "git@gitlab.acme.example:group/sub/bots.git", "https://gitlab.acme.example/group/sub/bots"),
        (Forge.GITEA, "https://code.example/git/acme/bots.git", "https://code.example/git/acme/bots"),
        (Forge.BITBUCKET, "git@bitbucket.org:acme/bots.git", "https://bitbucket.org/acme/bots"),
        (Forge.BITBUCKET_DC, "https://b.example/scm/PRJ/bots.git", "https://b.example/projects/PRJ/repos/bots"),
        (Forge.BITBUCKET_DC, "https://b.example/x/scm/PRJ/bots.git", "https://b.example/x/projects/PRJ/repos/bots"),
        (Forge.BITBUCKET_DC, "ssh://git@b.example:7999/PRJ/bots.git", "https://b.example/projects/PRJ/repos/bots"),
        (Forge.BITBUCKET_DC, "ssh://git@b.example:7999/~ann/bots.git", "https://b.example/users/ann/repos/bots"),
        (Forge.BITBUCKET_DC, "https://b.example/scm/scm/bots.git", "https://b.example/projects/scm/repos/bots"),
    ],
)
def test_a_repository_has_pages(forge: Forge, url: str, base: str) -> None:
    assert WebRepository.of(forge, url) == WebRepository(forge, base)


@pytest.mark.parametrize(
    ("url", "forge"),
    [
        ("https://github.com/acme/bots.git", Forge.GITHUB),
        ("git@gitlab.com:acme/bots.git", Forge.GITLAB),
        ("https://codeberg.org/acme/bots", Forge.GITEA),
        ("ssh://git@altssh.bitbucket.org:443/acme/bots.git", Forge.BITBUCKET),
    ],
)
def test_a_host_that_everybody_knows_needs_no_setting(url: str, forge: Forge) -> None:
    found = WebRepository.of(Forge.GENERIC, url)
    assert found is not None
    assert found.forge is forge


@pytest.mark.parametrize(
    ("forge", "url"),
    [
        (Forge.GENERIC, "https://git.example.com/acme/bots.git"),
        (Forge.GENERIC, "https://github.com.evil.example/acme/bots.git"),
        (Forge.GITHUB, "file:///srv/git/bots"),
        (Forge.GITHUB, "git://github.com/acme/bots"),
        (Forge.GITHUB, "javascript://github.com/acme/bots"),
        (Forge.GITHUB, "https://github.com/bots"),
        (Forge.GITHUB, "https://github.com/"),
        (Forge.GITHUB, "https://github.com/acme/../bots"),
        (Forge.GITHUB, "https://github.com/acme/%2e%2e"),
        (Forge.GITHUB, "https://github.com/acme/a%2fb"),
        (Forge.GITHUB, "https://github.com/acme/a%5cb"),
        (Forge.GITHUB, "https:///acme/bots"),
        (Forge.GITHUB, "https://git hub.com/acme/bots"),
        (Forge.GITHUB, 'https://x"onclick=/acme/bots'),
        (Forge.GITHUB, "https://github.com:99999/acme/bots"),
        (Forge.GITHUB, "https://[::1/acme/bots"),
        (Forge.GITHUB, "memory:bots"),
        (Forge.GITHUB, ""),
        (Forge.BITBUCKET_DC, "https://b.example/scm/bots.git"),
    ],
)
def test_what_has_no_pages_has_no_links(forge: Forge, url: str) -> None:
    assert WebRepository.of(forge, url) is None


@pytest.mark.parametrize(
    ("forge", "file", "commit"),
    [
        (Forge.GITHUB, f"/blob/{REVISION}/chatbots/a%20b.yaml#L7", f"/commit/{REVISION}"),
        (Forge.GITLAB, f"/-/blob/{REVISION}/chatbots/a%20b.yaml#L7", f"/-/commit/{REVISION}"),
        (Forge.GITEA, f"/src/commit/{REVISION}/chatbots/a%20b.yaml#L7", f"/commit/{REVISION}"),
        (Forge.BITBUCKET, f"/src/{REVISION}/chatbots/a%20b.yaml#lines-7", f"/commits/{REVISION}"),
        (Forge.BITBUCKET_DC, f"/browse/chatbots/a%20b.yaml?at={REVISION}#7", f"/commits/{REVISION}"),
    ],
)
def test_each_forge_has_its_own_addresses(forge: Forge, file: str, commit: str) -> None:
    pages = WebRepository(forge, "https://x.example/acme/bots")
    assert pages.file(PATH, REVISION, 7) == f"https://x.example/acme/bots{file}"
    assert pages.file(PATH, REVISION) == f"https://x.example/acme/bots{file.partition('#')[0]}"
    assert pages.commit(REVISION) == f"https://x.example/acme/bots{commit}"


@pytest.mark.parametrize("revision", ["", "main", "a" * 39, "../" * 13 + "a", "A" * 40, f"{REVISION}#"])
def test_only_a_commit_id_is_linked_to(revision: str) -> None:
    pages = WebRepository(Forge.GITHUB, "https://github.com/acme/bots")
    assert pages.commit(revision) is None
    assert pages.file(PATH, revision) is None


@pytest.mark.parametrize("path", ["", "/", "../x", "a/../../x", "a//b", "./a", "a/.", "a\\..\\b"])
def test_a_path_that_would_lead_elsewhere_is_not_linked_to(path: str) -> None:
    assert WebRepository(Forge.GITHUB, "https://github.com/acme/bots").file(path, REVISION) is None


@given(path=st.text(max_size=60), forge=st.sampled_from(list(Forge)))
def test_no_path_leads_out_of_the_repository(path: str, forge: Forge) -> None:
    pages = WebRepository(forge, "https://x.example/acme/bots")
    link = pages.file(path, REVISION, 3) if path.isprintable() else None
    if link is not None:
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc) == ("https", "x.example")
        assert parts.path.startswith("/acme/bots/")
        assert ".." not in parts.path.split("/")
        assert all(char.isascii() and char not in "\"'<> " for char in link)


@given(url=st.text(max_size=80), forge=st.sampled_from(list(Forge)))
def test_no_url_becomes_anything_but_a_plain_web_address(url: str, forge: Forge) -> None:
    pages = WebRepository.of(forge, url) or WebRepository.of(forge, f"https://{url}/a/b")
    if pages is not None:
        parts = urlsplit(pages.base)
        assert parts.scheme in ("https", "http")
        assert "@" not in parts.netloc
        assert not parts.query
        assert not parts.fragment
