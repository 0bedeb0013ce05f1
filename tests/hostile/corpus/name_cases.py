"""Names and kinds of files that a checkout might act on, or a message might be broken by."""

from collections.abc import Iterator

from tests.hostile.corpus.recipes import BAD, HEAD, REGULAR, SUBMODULE, SYMLINK, Case, Fault, File, text_file

_DOCUMENT = f"{HEAD}spec: {{}}\n"
_WITH_ID = f"{HEAD}metadata: {{chatbotId: named}}\nspec: {{}}\n"
_NAME = "whose name is not printable UTF-8"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _odd_names()
    yield from _kinds()
    yield from _collisions()


def _odd_names() -> Iterator[Case]:
    for name, raw, shown in (
        ("newline", b"chatbots/a\nb.yaml", "chatbots/a\\nb.yaml"),
        ("tab", b"chatbots/a\tb.yaml", "chatbots/a\\tb.yaml"),
        ("carriage-return", b"chatbots/a\rb.yaml", "chatbots/a\\rb.yaml"),
        ("escape", b"chatbots/\x1b[31mred.yaml", "chatbots/\\x1b[31mred.yaml"),
        ("bell", b"chatbots/\x07.yaml", "chatbots/\\x07.yaml"),
        ("delete", b"chatbots/\x7f.yaml", "chatbots/\\x7f.yaml"),
        ("c1", "chatbots/\x9b2J.yaml".encode(), "chatbots/\\x9b2J.yaml"),
        ("bidi", "chatbots/\u202elmay.yaml".encode(), "chatbots/\\u202elmay.yaml"),
        ("zero-width", "chatbots/a\u200b.yaml".encode(), "chatbots/a\\u200b.yaml"),
        ("no-break-space", "chatbots/a\u00a0b.yaml".encode(), "chatbots/a\\xa0b.yaml"),
        ("line-separator", "chatbots/a\u2028b.yaml".encode(), "chatbots/a\\u2028b.yaml"),
        ("latin-1", b"chatbots/caf\xe9.yaml", "chatbots/caf\\\\xe9.yaml"),
        ("surrogate", b"chatbots/\xed\xa0\x80.yaml", "chatbots/\\\\xed\\\\xa0\\\\x80.yaml"),
        ("folder-newline", b"chatbots/a\nb/c.yaml", "chatbots/a\\nb/c.yaml"),
    ):
        yield Case(f"name-{name}", (File(raw, (_WITH_ID,)),), (Fault(shown, 1, _NAME),))
    for name, path in (
        ("quotes", "chatbots/\"a'b.yaml"),
        ("leading-dash", "chatbots/-rf.yaml"),
        ("leading-dashes", "chatbots/--upload-pack=id.yaml"),
        ("dollar", "chatbots/$(id).yaml"),
        ("backtick", "chatbots/`id`.yaml"),
        ("semicolon", "chatbots/a;id.yaml"),
        ("pipe", "chatbots/a|id.yaml"),
        ("glob", "chatbots/[a]*?.yaml"),
        ("blank", "chatbots/a b.yaml"),
        ("windows-con", "chatbots/CON.yaml"),
        ("windows-stream", "chatbots/a:b.yaml"),
        ("backslash", "chatbots/a\\b.yaml"),
        ("trailing-dot-folder", "chatbots/a./b.yaml"),
        ("trailing-blank-folder", "chatbots/a /b.yaml"),
        ("hidden", "chatbots/.yaml"),
        ("git-folder", "chatbots/git~1/b.yaml"),
        ("html", "chatbots/<script>alert(1)<!--.yaml"),
        ("emoji", "chatbots/\U0001f600.yaml"),
        ("combining", "chatbots/e\u0301.yaml"),
        ("255-bytes", f"chatbots/{'n' * 250}.yaml"),
        ("500-bytes", "chatbots/" + "ddddddd/" * 60 + "xxxxx.yaml"),
        ("percent", "chatbots/%2e%2e%2fx.yaml"),
        ("url", "chatbots/https:/x.yaml"),
    ):
        yield Case(f"name-{name}", (text_file(path, _WITH_ID),), accepted=("named",))
    long = "chatbots/" + "dddddddd/" * 440 + "x.yaml"
    yield Case("name-4000-bytes", (text_file(long, _WITH_ID),), (Fault(long, 1, "longer than 500 characters"),))
    for name, path in (("dot-dot", "chatbots/../evil.yaml"), ("dot", "chatbots/./evil.yaml"), ("git", ".git/config")):
        yield Case(
            f"name-{name}", (text_file(path, _DOCUMENT),), accepted=("evil",) if name in {"dot-dot", "dot"} else ()
        )
    for name, stem in (("blank", "a b"), ("255-bytes", "n" * 250)):
        path = f"chatbots/{stem}.yaml"
        yield Case(f"stem-{name}", (text_file(path, _DOCUMENT),), (Fault(path, 1, "the file's name is no chatbot id"),))
    yield Case("suffix-upper-case", (text_file("chatbots/x.YAML", "]["),))
    yield Case("suffix-none", (text_file("chatbots/x", "]["),))


def _kinds() -> Iterator[Case]:
    for name, target in (
        ("inside", "good.yaml"),
        ("passwd", "/etc/passwd"),
        ("outside", "../../../x.yaml"),
        ("proc", "/proc/self/environ"),
        ("itself", "bad.yaml"),
        ("newline", "a\nb"),
        ("long", "x" * 5_000),
        ("dev-zero", "/dev/zero"),
    ):
        yield Case(
            f"symlink-{name}", (text_file(BAD, target, mode=SYMLINK),), (Fault(BAD, 1, "this is a symbolic link"),)
        )
    yield Case("submodule", (text_file(BAD, "2" * 40, mode=SUBMODULE),), (Fault(BAD, 1, "this is a submodule"),))
    yield Case(
        "submodule-with-gitmodules",
        (
            text_file(BAD, "2" * 40, mode=SUBMODULE),
            text_file(
                ".gitmodules",
                '[submodule "x"]\n path = chatbots/bad.yaml\n url = ext::sh -c "touch /tmp/hostile-was-here"\n',
                " update = !id\n",
            ),
        ),
        (Fault(BAD, 1, "this is a submodule"),),
    )
    yield Case(
        "symlinked-folder-of-documents",
        (
            text_file("elsewhere/x.yaml", "]["),
            text_file("chatbots/more", "../elsewhere", mode=SYMLINK),
        ),
    )
    yield Case("executable", (text_file(BAD, _DOCUMENT, mode="100755"),), accepted=("bad",))
    yield Case("group-writable", (text_file(BAD, _DOCUMENT, mode="100664"),), accepted=("bad",))
    yield Case("mode-of-nothing", (text_file(BAD, _DOCUMENT, mode="100000"),), accepted=("bad",))
    yield Case(
        "attributes-and-filters",
        (
            text_file(BAD, f"{HEAD}spec: {{core: {{a: $Id$}}}}\n"),
            text_file(".gitattributes", "* filter=evil ident working-tree-encoding=UTF-16 eol=crlf export-subst\n"),
            text_file(".gitconfig", '[filter "evil"]\n smudge = touch /tmp/hostile-was-here\n'),
            text_file("hooks/post-checkout", "#!/bin/sh\ntouch /tmp/hostile-was-here\n", mode="100755"),
        ),
        accepted=("bad",),
    )


def _collisions() -> Iterator[Case]:
    one, two = "chatbots/bot.yaml", "chatbots/BOT.yaml"
    yield Case("case-collision", (text_file(one, _DOCUMENT), text_file(two, _DOCUMENT)), accepted=("bot", "BOT"))
    yield Case(
        "case-collision-one-chatbot",
        (text_file(one, _WITH_ID), text_file(two, _WITH_ID)),
        (
            Fault(one, 1, "is claimed twice"),
            Fault(two, 1, "is claimed twice"),
        ),
    )
    yield Case(
        "case-collision-of-folders",
        (text_file("chatbots/a/x.yaml", _DOCUMENT), text_file("chatbots/A/y.yaml", _DOCUMENT)),
        accepted=("x", "y"),
    )
    yield Case(
        "normal-forms",
        (text_file("chatbots/\u00e9.yaml", _DOCUMENT), text_file("chatbots/e\u0301.yaml", _DOCUMENT)),
        accepted=("\u00e9", "e\u0301"),
    )
    yield Case(
        "yaml-and-yml",
        (text_file(BAD, _DOCUMENT), text_file("chatbots/bad.yml", _DOCUMENT)),
        (
            Fault(BAD, 1, "is claimed twice"),
            Fault("chatbots/bad.yml", 1, "is claimed twice"),
        ),
    )
    yield Case("a-folder-named-like-a-document", (text_file("chatbots/x.yaml/y.yaml", _DOCUMENT),), accepted=("y",))
    yield Case(
        "the-same-content-twice",
        (text_file("chatbots/x.yaml", _DOCUMENT, mode=REGULAR), text_file("chatbots/y.yaml", _DOCUMENT)),
        accepted=("x", "y"),
    )
    yield Case(
        "an-invalid-claim-of-another",
        (
            text_file(BAD, f"{HEAD}metadata: {{chatbotId: x}}\nspec: {{zz: 1}}\n"),
            text_file("chatbots/x.yaml", _DOCUMENT),
        ),
        (
            Fault(BAD, 4, "unknown key"),
            Fault(BAD, 1, "is claimed twice"),
            Fault("chatbots/x.yaml", 1, "is claimed twice"),
        ),
    )
