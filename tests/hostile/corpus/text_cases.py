"""Files whose bytes are the trouble: encodings, line ends, stand-ins of tools, characters that nobody sees."""

from collections.abc import Iterator

from tests.hostile.corpus.recipes import BAD, HEAD, Case, Fault, accepted, refused, text_file

_DOCUMENT = f"{HEAD}spec:\n  core: {{a: caf\u00e9}}\n"
_INCLUDING = f"{HEAD}spec:\n  core: {{p: {{$file: ../prompts/p.md}}}}\n"
_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("a" * 64)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _encodings()
    yield from _line_ends()
    yield from _stand_ins()
    yield from _unseen()


def _encodings() -> Iterator[Case]:
    utf8 = "the file is not UTF-8"
    for name, data, line in (
        ("latin-1", _DOCUMENT.encode("latin-1"), 4),
        ("utf-16-with-bom", _DOCUMENT.encode("utf-16"), 1),
        ("utf-16-be-with-bom", b"\xfe\xff" + _DOCUMENT.encode("utf-16-be"), 1),
        ("overlong-slash", HEAD.encode() + b"spec: {core: {a: \xc0\xaf}}\n", 3),
        ("overlong-nul", HEAD.encode() + b"spec: {core: {a: \xc0\x80}}\n", 3),
        ("surrogate-in-utf-8", HEAD.encode() + b"spec: {core: {a: \xed\xa0\x80}}\n", 3),
        ("cesu-8", HEAD.encode() + b"spec: {core: {a: \xed\xa0\xbd\xed\xb8\x80}}\n", 3),
        ("beyond-unicode", HEAD.encode() + b"spec: {core: {a: \xf5\x80\x80\x80}}\n", 3),
        ("cut-in-the-middle", HEAD.encode() + b"spec: {core: {a: x}} # \xe2\x82", 3),
        ("bare-continuation", HEAD.encode() + b"\x80\nspec: {}\n", 3),
        ("ff-fe-in-the-middle", HEAD.encode() + b"spec: {}\n\xff\xfe\n", 4),
    ):
        yield refused(f"encoding-{name}", data, line, utf8)
    for name, codec in (("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32-be", "utf-32-be")):
        plain = HEAD + "spec: {}\n"
        yield refused(f"encoding-{name}-without-bom", plain.encode(codec), 1, "the file contains NUL")
    yield refused("encoding-utf-32-with-bom", _DOCUMENT.encode("utf-32"), 1, utf8)
    yield refused("encoding-gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 1, utf8)
    yield accepted("encoding-utf-8-with-bom", b"\xef\xbb\xbf" + _DOCUMENT.encode())
    yield refused(
        "encoding-two-boms", b"\xef\xbb\xbf\xef\xbb\xbf" + _DOCUMENT.encode(), 1, "U+FEFF is read differently"
    )
    yield refused("nul-in-text", HEAD.encode() + b"spec: {core: {a: x\0y}}\n", 3, "the file contains NUL")
    yield refused("nothing-but-nul", (("\0", 10_000),), 1, "the file contains NUL")
    for name, data, part in (
        ("latin-1", b"caf\xe9", "is not UTF-8"),
        ("utf-16", "x".encode("utf-16"), "it looks like UTF-16"),
        ("nul", b"x\0y", "contains NUL"),
        ("overlong", b"\xc0\xaf", "is not UTF-8"),
    ):
        yield _including(f"include-{name}", data, part)


def _including(name: str, data: bytes | str, part: str) -> Case:
    return Case(name, (text_file(BAD, _INCLUDING), text_file("prompts/p.md", data)), (Fault(BAD, 4, part),))


def _line_ends() -> Iterator[Case]:
    yield accepted("crlf", _DOCUMENT.replace("\n", "\r\n"))
    yield accepted("cr-alone", _DOCUMENT.replace("\n", "\r"))
    yield accepted("mixed-line-ends", "apiVersion: v1\r\nkind: ChatbotConfig\rspec: {}\n")
    yield accepted("no-line-end-at-the-end", f"{HEAD}spec: {{}}")
    for name, char in (("nel", "\x85"), ("line-separator", "\u2028"), ("paragraph-separator", "\u2029")):
        part = f"U+{ord(char):04X} is read differently"
        yield refused(f"{name}-as-line-end", f"apiVersion: v1{char}kind: ChatbotConfig\nspec: {{}}\n", 1, part)
        yield refused(f"{name}-in-a-text", f"{HEAD}spec: {{core: {{a: 'x{char}y'}}}}\n", 3, part)
        yield refused(f"{name}-in-a-comment", f"# x{char}spec: evil\n{HEAD}spec: {{}}\n", 1, part)
    for name, char in (
        ("vertical-tab", "\x0b"),
        ("form-feed", "\x0c"),
        ("bell", "\a"),
        ("escape", "\x1b"),
        ("delete", "\x7f"),
        ("c1-csi", "\x9b"),
    ):
        yield refused(
            f"raw-{name}", f"{HEAD}spec: {{core: {{a: 'x{char}y'}}}}\n", 3, f"U+{ord(char):04X} is read differently"
        )
    yield refused("tab-as-indent", f"{HEAD}spec:\n\tcore: {{}}\n", 4, "not valid YAML")


def _stand_ins() -> Iterator[Case]:
    conflict = f"{HEAD}<<<<<<< HEAD\nspec: {{core: {{a: 1}}}}\n=======\nspec: {{core: {{a: 2}}}}\n>>>>>>> other\n"
    yield refused("conflict-markers", conflict, 4, "not valid YAML")
    both = f"{HEAD}spec:\n  core:\n<<<<<<< HEAD\n    a: 1\n||||||| base\n=======\n    a: 2\n>>>>>>> x\n"
    yield refused("conflict-markers-with-base", both, 6, "not valid YAML")
    yield refused(
        "conflict-markers-json",
        '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> x\n}',
        2,
        "not valid JSON",
        "chatbots/bad.json",
    )
    yield refused("lfs-pointer", _LFS, 1, "Git LFS pointer")
    yield refused("lfs-pointer-json", _LFS, 1, "Git LFS pointer", "chatbots/bad.json")
    yield _including("include-lfs-pointer", _LFS, "Git LFS pointer")
    yield refused(
        "an-html-page", "<!doctype html>\n<html><script>alert(1)</script></html>\n", 1, "a document is a mapping"
    )
    yield refused(
        "a-helm-template", f"{HEAD}spec:\n  core: {{a: {{{{ .Values.x }}}}}}\n", 4, "a key must be plain text"
    )
    yield refused("a-jinja-block", f"{HEAD}{{% if x %}}\nspec: {{}}\n", 3, "not valid YAML")
    for name, text in (
        ("empty", ""),
        ("blank", "\n\n   \n"),
        ("comment-only", "# nothing\n"),
        ("dashes-only", "---\n---\n...\n"),
    ):
        yield Case(f"file-{name}", (text_file(BAD, text),))
    yield accepted("documents-with-blank-ones", f"---\n---\n{HEAD}spec: {{}}\n---\n...\n")
    yield accepted("a-shebang", f"#!/bin/sh\n{HEAD}spec: {{}}\n")


def _unseen() -> Iterator[Case]:
    for name, char in (
        ("right-to-left-override", "\u202e"),
        ("isolate", "\u2066"),
        ("zero-width-space", "\u200b"),
        ("zero-width-joiner", "\u200d"),
        ("soft-hyphen", "\u00ad"),
        ("word-joiner", "\u2060"),
        ("tag-letter", "\U000e0041"),
        ("variation-selector", "\U000e0100"),
        ("hangul-filler", "\u3164"),
        ("no-break-space", "\u00a0"),
        ("private-use", "\ue000"),
    ):
        yield accepted(f"unseen-{name}-in-a-text", f"{HEAD}spec: {{core: {{a: 'x{char}y'}}}}\n")
        yield refused(f"unseen-{name}-in-a-key", f"{HEAD}spec: {{'co{char}re': {{}}}}\n", 3, "unknown key")
    for name, escape in (
        ("escape", "\\e[2J"),
        ("csi", "\\x9b"),
        ("bell", "\\a"),
        ("nel", "\\N"),
        ("line-separator", "\\L"),
        ("bidi", "\\u202e"),
    ):
        yield accepted(f"escaped-{name}-in-a-text", f'{HEAD}spec: {{core: {{a: "x{escape}y"}}}}\n')
    yield refused("escaped-nul-in-a-text", f'{HEAD}spec: {{core: {{a: "x\\0y"}}}}\n', 3, "U+0000, which cannot be sent")
    yield refused("escaped-surrogate-in-a-text", f'{HEAD}spec: {{core: {{a: "\\ud800"}}}}\n', 3, "")
    yield refused("noncharacter", f"{HEAD}spec: {{core: {{a: 'x\ufffey'}}}}\n", 3, "U+FFFE is read differently")
