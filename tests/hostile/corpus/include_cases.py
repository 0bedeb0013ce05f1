"""`$file` in every spelling that might lead out of the repository, or to something that is no text of it."""

import json
from collections.abc import Iterator

from tests.hostile.corpus.recipes import BAD, HEAD, SUBMODULE, SYMLINK, Case, Fault, File, text_file

_OUT = "leads out of the repository"
_ABSENT = "there is no file"
_NO_PATH = "is not a path"
_NOT_RELATIVE = "is not relative"
_LONG = "is longer than 4096 characters"
_FOREIGN = "is not a path in git"

ESCAPES: tuple[tuple[str, str], ...] = (
    ("../../etc/passwd", _OUT),
    ("../../../../../../../../etc/passwd", _OUT),
    ("../" * 1_000 + "etc/passwd", _OUT),
    ("./../../etc/passwd", _OUT),
    (".././../etc/passwd", _OUT),
    ("..//..//etc/passwd", _OUT),
    ("a/../../../etc/passwd", _OUT),
    ("../chatbots/../../etc/passwd", _OUT),
    ("../../repo/chatbots/good.yaml", _OUT),
    ("../..", _OUT),
    ("../../", _OUT),
    ("/etc/passwd", _NOT_RELATIVE),
    ("//etc/passwd", _NOT_RELATIVE),
    ("///etc/passwd", _NOT_RELATIVE),
    ("/chatbots/good.yaml", _NOT_RELATIVE),
    ("/proc/self/environ", _NOT_RELATIVE),
    ("/", _NOT_RELATIVE),
    ("~", _NOT_RELATIVE),
    ("~/.ssh/id_rsa", _NOT_RELATIVE),
    ("~root/.ssh/id_rsa", _NOT_RELATIVE),
    ("..\\..\\etc\\passwd", _FOREIGN),
    ("\\etc\\passwd", _FOREIGN),
    ("\\\\server\\share\\x", _FOREIGN),
    ("\\\\?\\C:\\x", _FOREIGN),
    ("..\\../etc/passwd", _FOREIGN),
    ("C:\\Windows\\win.ini", _FOREIGN),
    ("C:/Windows/win.ini", _FOREIGN),
    ("c:x", _FOREIGN),
    ("//server/share/x", _NOT_RELATIVE),
    ("file:///etc/passwd", _ABSENT),
    ("http://169.254.169.254/latest/meta-data", _ABSENT),
    ("https://example.com/x", _ABSENT),
    ("git@example.com:a/b", _ABSENT),
    ("%2e%2e/%2e%2e/etc/passwd", _ABSENT),
    ("..%2f..%2fetc%2fpasswd", _ABSENT),
    ("..%252f..%252fetc/passwd", _ABSENT),
    ("..%c0%af..%c0%afetc/passwd", _ABSENT),
    ("\uff0e\uff0e/\uff0e\uff0e/etc/passwd", _ABSENT),
    ("..\u2215..\u2215etc/passwd", _ABSENT),
    ("..\uff0f..\uff0fetc/passwd", _ABSENT),
    ("\u2025/\u2025/etc/passwd", _ABSENT),
    (".\u200b./.\u200b./etc/passwd", _NO_PATH),
    ("\u202e../../etc/passwd", _NO_PATH),
    ("...//...//etc/passwd", _ABSENT),
    ("....//....//etc/passwd", _ABSENT),
    ("..;/..;/etc/passwd", _ABSENT),
    (".. /.. /etc/passwd", _ABSENT),
    ("../prompts/p.md ", _ABSENT),
    (" ../prompts/p.md", _ABSENT),
    ("../prompts/p.md.", _ABSENT),
    ("../prompts/p.md/", ""),
    ("../prompts/p.md::$DATA", _ABSENT),
    ("../prompts/p.md?x", _ABSENT),
    ("../prompts/p.md#x", _ABSENT),
    ("../PROMPTS/P.MD", _ABSENT),
    ("../Prompts/p.md", _ABSENT),
    ("../.git/config", _ABSENT),
    ("../.GIT/config", _ABSENT),
    (".git/../../.git/HEAD", _ABSENT),
    ("../prompts", _ABSENT),
    ("../prompts/", _ABSENT),
    ("..", _ABSENT),
    (".", _ABSENT),
    ("./", _ABSENT),
    ("", _NO_PATH),
    (" ", _ABSENT),
    ("a\tb", _NO_PATH),
    ("a\nb", _NO_PATH),
    ("../prompts/p.md\r\n", _NO_PATH),
    ("../prompts/p.md\x1b[2J", _NO_PATH),
    ("$HOME/.ssh/id_rsa", _ABSENT),
    ("${HOME}/x", _ABSENT),
    ("$(id)", _ABSENT),
    ("`id`", _ABSENT),
    ("|id", _ABSENT),
    ("-rf", _ABSENT),
    ("--help", _ABSENT),
    ("HEAD:chatbots/good.yaml", _ABSENT),
    (":/good", _ABSENT),
    ("*", _ABSENT),
    ("../prompts/*.md", _ABSENT),
    ("../prompts/p?.md", _ABSENT),
    ("x" * 100_000, _LONG),
    ("a/" * 50_000 + "b", _LONG),
    ("a/" * 2_000 + "b", _ABSENT),
    ("CON", _ABSENT),
    ("../prompts/latest", "is a symbolic link: include a regular file"),
    ("../linked/p.md", 'lies behind a symbolic link, "linked"'),
    ("../linked/../prompts/p.md", ""),
    ("../vendor", "is a submodule: include a regular file"),
    ("../vendor/x.md", 'lies behind a submodule, "vendor"'),
    ("../prompts/root", "is a symbolic link"),
)
"""Each with what is said about it; nothing is said about the harmless ones."""

_TREE = (
    text_file("prompts/p.md", "Be kind.\n"),
    text_file("prompts/latest", "p.md", mode=SYMLINK),
    text_file("prompts/root", "/", mode=SYMLINK),
    text_file("linked", "prompts", mode=SYMLINK),
    text_file("vendor", "1" * 40, mode=SUBMODULE),
)


def cases() -> Iterator[Case]:
    """All of them."""
    for number, (reference, part) in enumerate(ESCAPES):
        yield _case(f"include-{number:02d}", json.dumps(reference), part)
    yield _case("include-escaped-nul", '"x\\0y"', "U+0000, which cannot be sent")
    yield _case("include-number", "1", "takes the path of a file")
    for name, value, part in (
        ("null", "~", "takes the path of a file"),
        ("list", "[a, b]", "takes the path of a file"),
        ("mapping", "{a: b}", "takes the path of a file"),
        ("true", "true", "takes the path of a file"),
        ("nested", "{$file: x}", "takes the path of a file"),
        ("extra-keys", "../prompts/p.md, encoding: latin-1", "must be the only key"),
        ("twice", "../prompts/p.md, $file: ../x", "stands twice"),
        ("not-text", "../data.bin", "is not UTF-8"),
    ):
        yield _case(f"include-{name}", value, part)
    yield from _whole_documents()


def _case(name: str, value: str, part: str) -> Case:
    text = f"{HEAD}spec:\n  core:\n    p: {{$file: {value}}}\n"
    files = (text_file(BAD, text), text_file("data.bin", b"\xff\xfe\x00"), *_TREE)
    return Case(name, files, (Fault(BAD, 5, part),)) if part else Case(name, files, accepted=("bad",))


def _whole_documents() -> Iterator[Case]:
    def whole(name: str, text: str, line: int, part: str, *files: File) -> Case:
        return Case(name, (text_file(BAD, text), *_TREE, *files), (Fault(BAD, line, part),))

    yield whole("include-as-document", "$file: ../prompts/p.md\n", 1, "")
    yield whole("include-as-spec", f"{HEAD}spec: {{$file: ../prompts/p.md}}\n", 3, "must be a mapping, not text")
    yield whole(
        "include-as-section", f"{HEAD}spec: {{skills: {{$file: ../prompts/p.md}}}}\n", 3, "must be a list, not text"
    )
    yield whole("include-as-metadata", f"{HEAD}metadata: {{$file: ../prompts/p.md}}\nspec: {{}}\n", 3, "unknown key")
    yield whole("include-as-kind", "apiVersion: v1\nkind: {$file: ../prompts/p.md}\nspec: {}\n", 2, "must be")
    yield whole(
        "include-in-a-key", f"{HEAD}spec:\n  ? {{$file: ../prompts/p.md}}\n  : 1\n", 4, "a key must be plain text"
    )
    yield whole("include-through-an-alias", f"{HEAD}spec:\n  core: {{a: &p {{$file: ../../x}}, b: *p}}\n", 4, _OUT)
    many = ", ".join(["{$file: ../big.md}"] * 6)
    big = File(b"big.md", (("x", 1_000_000),))
    yield whole(
        "include-six-times-1-MB", f"{HEAD}spec: {{core: {{l: [{many}]}}}}\n", 3, "exceed 4194304 characters", big
    )
    huge = File(b"huge.md", (("x", 1024 * 1024 + 1),))
    yield whole("include-too-large", f"{HEAD}spec: {{core: {{p: {{$file: ../huge.md}}}}}}\n", 3, "is larger than", huge)
    absent = (f"{HEAD}spec: {{core: {{l: [", ("{$file: ../none/x}, ", 5_000), "]}}\n")
    yield Case("include-5000-absent", (text_file(BAD, *absent),), (Fault(BAD, 3, _ABSENT),))
    itself = text_file(BAD, f"{HEAD}spec: {{core: {{p: {{$file: bad.yaml}}}}}}\n")
    yield Case("include-itself", (itself,), accepted=("bad",))
    chain = [text_file(f"c/{n}.md", f"{{$file: {n + 1}.md}}") for n in range(50)]
    start = text_file(BAD, f"{HEAD}spec: {{core: {{p: {{$file: ../c/0.md}}}}}}\n")
    yield Case("include-chain-is-text", (start, *chain), accepted=("bad",))
    other = text_file(BAD, f"{HEAD}spec: {{core: {{p: {{$file: good.yaml}}}}}}\n")
    yield Case("include-a-document", (other,), accepted=("bad",))
    empty = text_file(BAD, f"{HEAD}spec: {{core: {{p: {{$file: ../e.md}}}}}}\n")
    yield Case("include-an-empty-file", (empty, text_file("e.md")), accepted=("bad",))
