"""Repositories that are too large, or nearly."""

from collections.abc import Iterator

from tests.hostile.corpus.recipes import BAD, HEAD, Case, Fault, File, text_file

_MIB = 1024 * 1024
_DOCUMENT = f"{HEAD}spec: {{}}\n"


def cases() -> Iterator[Case]:
    """All of them."""
    yield Case(
        "file-of-1-MiB-and-a-byte",
        (text_file(BAD, _DOCUMENT, ("#", _MIB + 1 - len(_DOCUMENT))),),
        (Fault(BAD, 1, "larger than 1048576"),),
    )
    yield Case("file-of-1-MiB", (text_file(BAD, _DOCUMENT, ("#", _MIB - len(_DOCUMENT))),), accepted=("bad",))
    yield Case("file-of-100-MiB", (text_file(BAD, ("x" * 1024, 100 * 1024)),), (Fault(BAD, 1, "larger than 1048576"),))
    yield Case("9999-more-documents", (File(b"chatbots/{n}.yaml", (_DOCUMENT,), times=9_999),), accepted=("*",))
    yield Case("10000-more-documents", (File(b"chatbots/{n}.yaml", (_DOCUMENT,), times=10_000),), cause="TooLarge")
    yield Case(
        "9999-broken-documents",
        (File(b"chatbots/{n}.yaml", ("spec: [",), times=9_999),),
        (Fault("*", 2, "not valid YAML"),),
    )
    yield Case("200001-other-files", (File(b"other/{n}.txt", ("x",), times=200_001),), cause="TooLarge")
    yield from _shared_folders()
    yield Case(
        "one-MiB-as-9999-documents",
        (File(b"chatbots/{n}.yaml", (_DOCUMENT, ("#", _MIB - len(_DOCUMENT))), times=9_999),),
        cause="TooLarge",
    )
    yield Case("100000-other-files", (File(b"other/{n}.txt", ("x",), times=100_000),))
    many = ", ".join(["{$file: ../big.md}"] * 4)
    including = f"{HEAD}spec: {{core: {{l: [{many}]}}}}\n"
    yield Case(
        "129-MB-included",
        (File(b"chatbots/{n}.yaml", (including,), times=200), File(b"big.md", (("x", 1_000_000),))),
        cause="TooLarge",
    )
    yield Case(
        "10014-documents-in-18-files",
        (File(b"chatbots/{n}.yaml", (("---\na: 1\n", 589),), times=17),),
        cause="TooLarge",
    )
    yield Case(
        "200-documents-of-33000-labels",
        (
            File(
                b"chatbots/{n}.yaml",
                (f"{HEAD}metadata: {{labels: {{", ("a{n}: a,", 33_000), "}}\nspec: {core: {name: A}}\n"),
                times=200,
            ),
        ),
        cause="TooLarge",
    )
    skills = f"{HEAD}spec:\n  core: {{name: &long '"
    yield Case(
        "2000-documents-that-repeat-a-text",
        (
            File(
                b"chatbots/{n}.yaml",
                (skills, ("x", 10_000), "'}\n  skills:\n", ("  - {name: s{n}, body: *long}\n", 99)),
                times=2_000,
            ),
        ),
        cause="TooLarge",
    )
    body = f"---\n{HEAD}metadata: {{chatbotId: b{{n}}}}\nspec: {{core: {{name: {{$file: ../big.md}}}}}}\n"
    yield Case(
        "a-text-included-by-1000-documents-of-a-file",
        (File(b"chatbots/all.yaml", ((body, 1_000),)), File(b"big.md", (("x", 1_000_000),))),
        cause="TooLarge",
    )
    different = tuple(File(b"texts/%03d.md" % number, (("👋", 262_000), str(number))) for number in range(128))
    listed = ", ".join(f"{{$file: ../texts/{number:03}.md}}" for number in range(128))
    yield Case(
        "a-document-that-includes-128-MiB",
        (text_file(BAD, f"{HEAD}spec: {{core: {{l: [{listed}]}}}}\n"), *different),
        (Fault(BAD, 1, "the file includes files of more than 16777216 bytes"),),
    )
    claim = f"---\n{HEAD}metadata: {{chatbotId: one}}\nspec: {{core: {{name: A}}}}\n"
    yield Case(
        "9000-documents-that-claim-one-chatbot",
        (File(b"chatbots/{n}.yaml", ((claim, 1_000),), times=9),),
        (Fault("chatbots/", 2, "and 8995 more"),),
    )
    yield Case(
        "10000-files-of-1000-blank-documents",
        (File(b"chatbots/{n}.yaml", (("---\n", 1_000),), times=9_999),),
        cause="TooLarge",
    )
    yield Case(
        "33000-includes-that-are-missing-on-a-long-path",
        (
            text_file(
                f"chatbots/{'d/' * 240}bad.yaml",
                f"{HEAD}spec: {{core: {{l: [",
                ("{$file: m{n}.md},", 30_000),
                "]}}\n",
            ),
        ),
        (Fault("chatbots/d/", 1, "the file includes more than 1000 files"),),
    )
    yield Case(
        "full-of-near-keys",
        (text_file(BAD, f"{HEAD}spec:\n  core:\n    a: '", (" sk- eyJ. ://a: AKIA Bearer ghp_", 30_000), "'\n"),),
        accepted=("bad",),
    )


def _shared_folders() -> Iterator[Case]:
    """Folders that are one object: git lists what a few hundred bytes name for hours, or fills any memory with it."""
    long = b"/{n}" + b"n" * 200
    wide = b"/{n}" + "👋".encode() * 15
    yield Case("shared-folders-of-1073741824-files", (_shared(b"other" + b"/{n}" * 6, 32),), cause="TooLarge")
    yield Case("shared-folders-with-long-names", (_shared(b"other" + long * 6, 32),), cause="TooLarge")
    yield Case("shared-folders-of-documents", (_shared(b"chatbots" + b"/{n}" * 5 + b"/a.yaml", 32),), cause="TooLarge")
    yield Case("100-folders-in-folders-of-2", (_shared(b"other" + b"/{n}" * 100, 2),), cause="TooLarge")
    yield Case("shared-folders-nearly-too-many", (_shared(b"other" + wide * 3 + b"/" + b"n" * 1_600, 32),))


def _shared(path: bytes, times: int) -> File:
    return File(path, ("x",), times=times, shared=True)
