"""Documents that abuse YAML or JSON."""

from collections.abc import Iterator

from tests.hostile.corpus.recipes import BAD, HEAD, JSON, Case, Fault, accepted, refused, text_file

_MULTIPLIED = "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
_BOMB = f"a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n{_MULTIPLIED}{HEAD}spec: {{}}\n"
_BOMB_OF_UNKNOWN = f"{_MULTIPLIED}{HEAD}spec: {{}}\n"
_JSON = '{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": %s}\n'


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _aliases()
    yield from _depth()
    yield from _keys()
    yield from _tags()
    yield from _numbers()
    yield from _frames()
    yield from _json()


def _spec(text: str) -> str:
    return f"{HEAD}spec:\n{text}\n"


def _aliases() -> Iterator[Case]:
    yield refused("billion-laughs", _BOMB, 6, "values: split it")
    yield refused("billion-laughs-at-nobody", _BOMB_OF_UNKNOWN, 6, "values: split it")
    quadratic = (HEAD, "spec:\n  core:\n    a: &a ", ("x", 100_000), "\n    b: [", ("*a, ", 99), "]\n")
    yield refused("quadratic-blowup", quadratic, 6, "characters: split it")
    yield refused(
        "101-aliases", (HEAD, "spec:\n  core: {a: &a 1, b: [", ("*a, ", 101), "]}\n"), 4, "more than 100 aliases"
    )
    yield accepted("100-aliases", (HEAD, "spec:\n  core: {a: &a 1, b: [", ("*a, ", 100), "]}\n"))
    yield refused("alias-of-itself", _spec("  core: &a {x: *a}"), 4, "stands inside of what it names")
    yield refused("alias-of-an-outer-list", _spec("  core: {l: &a [1, [2, *a]]}"), 4, "stands inside of what it names")
    yield refused("alias-unknown", _spec("  core: {x: *nobody}"), 4, 'anchored as "&nobody"')
    yield refused("alias-before-its-anchor", _spec("  core: {x: *a, y: &a 1}"), 4, 'anchored as "&a"')
    yield refused("alias-across-documents", f"--- &a\n{HEAD}spec: {{}}\n---\n{HEAD}spec: *a\n", 8, 'anchored as "&a"')
    yield refused("alias-as-key", _spec("  core: {a: &a x, *a : y}"), 4, "a key must be plain text")
    yield refused("alias-as-metadata", f"{HEAD}metadata: *m\nspec: {{}}\n", 3, 'anchored as "&m"')
    yield refused("merge-key", _spec("  core: {a: &a {x: 1}, <<: *a}"), 4, "merge keys (<<)")
    yield refused("merge-key-of-list", _spec("  core: {a: &a {x: 1}, <<: [*a, *a]}"), 4, "merge keys (<<)")
    yield refused("merge-key-inline", _spec("  core: {<<: {x: 1}}"), 4, "merge keys (<<)")
    yield accepted("merge-key-in-quotes", _spec('  core: {"<<": {x: 1}}'))
    yield accepted("anchor-used-once", _spec("  core: {a: &a text, b: *a}"))
    yield accepted("anchor-redefined", _spec("  core: {a: &a one, b: &a two, c: *a}"))
    anchored = (HEAD, "spec:\n  core: {", ("k{n}: &a{n} v, ", 20_000), "z: 1}\n")
    yield accepted("20000-anchors", anchored)
    deep = (HEAD, "spec:\n  core: {a: &a ", ("[", 40), ("]", 40), ", b: ", ("[", 40), "*a", ("]", 40), "}\n")
    yield refused("depth-through-an-alias", deep, 4, "nested deeper than 64 levels")


def _depth() -> Iterator[Case]:
    for name, opening, closing in (("flow-lists", "[", "]"), ("flow-mappings", "{a: ", "}")):
        yield refused(
            f"depth-65-{name}", (HEAD, "spec: ", (opening, 65), (closing, 65), "\n"), 3, "nested deeper than 64"
        )
        yield refused(f"depth-200000-{name}", (HEAD, "spec: ", (opening, 200_000)), 3, "nested deeper than 64")
    yield refused("depth-200000-dashes", (HEAD, "spec:\n", ("- ", 200_000), "x\n"), 4, "nested deeper than 64")
    yield refused("depth-question-marks", (HEAD, "spec:\n", ("? ", 100_000), "x\n"), 4, "a key must be plain text")
    yield refused("depth-never-closed", (HEAD, "spec: ", ("[", 30)), 4, "not valid YAML")
    yield refused("depth-json", ('{"spec": ', ("[", 200_000)), 1, "nested deeper than 64", JSON)
    yield refused("depth-json-mappings", ('{"spec": ', ('{"a": ', 100_000)), 1, "nested deeper than 64", JSON)
    yield accepted("depth-60", (HEAD, "spec:\n  core: ", ("{a: ", 60), "1", ("}", 60), "\n"))
    yield refused(
        "100001-values", (HEAD, "spec:\n  core:\n    l: [", ("1,", 100_001), "]\n"), 5, "more than 100000 values"
    )
    yield refused("100001-values-json", ('{"spec": [', ("1,", 100_001), "1]}"), 1, "more than 100000 values", JSON)
    yield refused("60001-keys", (HEAD, "spec:\n  core: {", ("k{n}: , ", 60_001), "z: 1}\n"), 4, "values: split it")
    many = (f"---\n{HEAD}metadata: {{chatbotId: b{{n}}}}\nspec: {{}}\n", 1_001)
    fault = Fault(BAD, 5001, "more than 1000 documents")
    yield Case("1001-documents", (text_file(BAD, many),), (fault,), tuple(f"b{number}" for number in range(1_000)))
    yield refused("5000-unknown-keys", (HEAD, "spec:\n", ("  k{n}: 1\n", 5_000)), 4, 'unknown key "k0"')
    yield refused("a-key-of-200-kB", (HEAD, "spec:\n  ? ", ("k", 200_000), "\n  : 1\n"), 4, "unknown key")
    yield accepted("a-value-of-900-kB", (HEAD, "spec:\n  core:\n    prompt: ", ("word ", 180_000), "\n"))
    yield accepted("900000-line-ends", (HEAD, "spec:\n  core: {}\n", ("\n", 900_000)))
    yield accepted("900-kB-of-comment", (HEAD, "spec:\n  core: {}\n#", ("c", 900_000)))
    yield refused("900-kB-of-blanks", (HEAD, "spec:\n  core: {a: ", (" ", 900_000), "\n"), 5, "not valid YAML")


def _keys() -> Iterator[Case]:
    again = "stands twice, first at line"
    yield refused("key-twice", _spec("  core: {a: 1, a: 2}"), 4, again)
    yield refused("key-twice-at-the-top", f"{HEAD}kind: ChatbotConfig\nspec: {{}}\n", 3, again)
    yield refused("key-twice-spec", _spec("  core: {}\nspec:\n  skills: []"), 5, again)
    yield refused("key-twice-quoted", _spec("  core: {a: 1, 'a': 2}"), 4, again)
    yield refused("key-twice-double-quoted", _spec('  core: {a: 1, "a": 2}'), 4, again)
    yield refused("key-twice-by-hex-escape", _spec('  core: {a: 1, "\\x61": 2}'), 4, again)
    yield refused("key-twice-by-unicode-escape", _spec('  core: {a: 1, "\\u0061": 2}'), 4, again)
    yield refused("key-twice-by-long-escape", _spec('  core: {a: 1, "\\U00000061": 2}'), 4, again)
    yield refused("key-twice-by-question-mark", _spec("  core:\n    a: 1\n    ? a\n    : 2"), 6, again)
    yield refused("key-twice-by-block-scalar", _spec("  core:\n    a: 1\n    ? |-\n      a\n    : 2"), 6, again)
    yield refused("key-twice-as-number", _spec("  core: {1: x, '1': y}"), 4, again)
    yield refused("key-twice-as-null", _spec("  core: {null: x, 'null': y}"), 4, again)
    yield refused("key-twice-prune", f"{HEAD}prune: false\nspec: {{}}\nprune: true\n", 5, again)
    yield refused("key-twice-json", _JSON % '{"core": {"a": 1, "a": 2}}', 1, again, JSON)
    yield refused("key-twice-json-escaped", _JSON % '{"core": {"a": 1, "\\u0061": 2}}', 1, again, JSON)
    yield refused("key-twice-chatbot-id", f"{HEAD}metadata: {{chatbotId: x, chatbotId: y}}\nspec: {{}}\n", 3, again)
    yield accepted("keys-of-two-spellings", _spec("  core: {caf\u00e9: 1, cafe\u0301: 2}"))
    yield refused("key-missing", _spec("  core: {? : 1}"), 4, 'a key is missing before ":"')
    yield refused("key-is-a-list", _spec("  core:\n    ? [a]\n    : 1"), 5, "a key must be plain text")
    yield refused("key-is-a-mapping", _spec("  core:\n    ? {a: 1}\n    : 1"), 5, "a key must be plain text")


def _tags() -> Iterator[Case]:
    for name, tag in (
        ("python-object", "!!python/object/apply:os.system ['id']"),
        ("python-name", "!!python/name:os.system"),
        ("python-module", "!!python/module:os"),
        ("python-new", "!!python/object/new:type {}"),
        ("python-tuple", "!!python/tuple [1]"),
        ("binary", "!!binary aGVsbG8="),
        ("timestamp", "!!timestamp 2026-01-01"),
        ("set", "!!set {a, b}"),
        ("omap", "!!omap [a: 1]"),
        ("str", "!!str 1"),
        ("int", "!!int '1'"),
        ("float", "!!float 1"),
        ("merge", "!!merge x"),
        ("custom", "!custom x"),
        ("verbatim", "!<tag:example.com,2026:x> y"),
        ("include", "!include /etc/passwd"),
        ("env", "!ENV ${HOME}"),
        ("vault", "!vault |\n    6162"),
        ("ref", "!Ref thing"),
        ("long", "!" + "x" * 5_000 + " y"),
    ):
        yield refused(f"tag-{name}", _spec(f"  core: {{a: 1}}\n  x:\n    {tag}"), 6, "is not allowed: remove it")
    yield refused(
        "tag-directive",
        f"%TAG ! tag:yaml.org,2002:python/\n---\n{_spec('  core: {a: !object/apply:x 1}')}",
        6,
        "is not allowed",
    )
    yield refused("tag-handle-unknown", _spec("  core: {a: !x!y 1}"), 4, "not valid YAML")
    yield refused("tag-on-key", _spec("  core: {!!str a: 1}"), 4, "is not allowed")
    yield refused("tag-on-document", f"--- !x\n{HEAD}spec: {{}}\n", 1, "is not allowed")
    yield accepted("directive-yaml-1.2", f"%YAML 1.2\n---\n{HEAD}spec: {{}}\n")
    yield refused("directive-yaml-3", f"%YAML 3.0\n---\n{HEAD}spec: {{}}\n", 1, "not valid YAML")
    yield refused("tag-non-specific", _spec("  core: {a: ! x}"), 4, "is not allowed")


def _numbers() -> Iterator[Case]:
    for name, text in (
        ("nan", ".nan"),
        ("inf", ".inf"),
        ("minus-inf", "-.INF"),
        ("1e400", "1e400"),
        ("minus-1e999", "-1e999"),
        ("401-digits", "9" * 401),
        ("100000-digits", "9" * 100_000),
        ("hex-100000", "0x" + "f" * 100_000),
        ("float-100000", "1." + "0" * 100_000),
    ):
        yield refused(f"number-{name}", _spec(f"  core: {{a: {text}}}"), 4, "is not a finite number")
    for name, text in (
        ("2^53", str(2**53)),
        ("400-digits", "9" * 400),
        ("minus-2^64", str(-(2**64))),
        ("hex-2^60", hex(2**60)),
    ):
        yield refused(f"number-{name}", _spec(f"  core: {{a: {text}}}"), 4, "beyond ±(2^53 - 1)")
    for name, text in (
        ("sexagesimal", "1:30:45"),
        ("octal-1.1", "0777"),
        ("underscores", "1_000_000"),
        ("timestamp", "2026-01-31T00:00:00Z"),
        ("norway", "NO"),
        ("infinity-word", "Infinity"),
        ("nan-word", "NaN"),
        ("fullwidth-digits", "\uff11\uff12"),
        ("small", "1e-400"),
        ("minus-zero", "-0.0"),
        ("arabic-digits", "\u0661\u0662"),
    ):
        yield accepted(f"scalar-{name}", _spec(f"  core: {{a: {text}}}"))


def _frames() -> Iterator[Case]:
    missing = '"spec" is missing'
    mapping = "a document is a mapping"
    yield refused("frame-a-list", "- a\n- b\n", 1, mapping)
    yield refused("frame-a-text", "just words\n", 1, mapping)
    yield refused("frame-a-number", "42\n", 1, mapping)
    yield refused("frame-true", "true\n", 1, mapping)
    yield refused("frame-null-then-document", f"--- null\n---\n{HEAD}", 3, missing)
    yield refused("frame-empty-mapping", "{}\n", 1, "is missing: add it")
    yield refused("frame-no-spec", HEAD, 1, missing)
    yield refused("frame-spec-null", f"{HEAD}spec:\n", 3, "must be a mapping, not null")
    yield refused("frame-spec-list", f"{HEAD}spec: []\n", 3, "must be a mapping, not a list")
    yield refused("frame-wrong-kind", "apiVersion: v1\nkind: Deployment\nspec: {}\n", 2, 'must be "ChatbotConfig"')
    yield refused("frame-wrong-version", "apiVersion: v2\nkind: ChatbotConfig\nspec: {}\n", 1, 'must be "v1"')
    yield refused("frame-prune-text", f"{HEAD}prune: 'true'\nspec: {{}}\n", 3, "must be true or false")
    yield refused("frame-metadata-list", f"{HEAD}metadata: []\nspec: {{}}\n", 3, "must be a mapping with chatbotId")
    yield refused("frame-label-number", f"{HEAD}metadata: {{labels: {{a: 1}}}}\nspec: {{}}\n", 3, "put it in quotes")
    yield refused(
        "frame-label-long", f"{HEAD}metadata: {{labels: {{a: {'x' * 201}}}}}\nspec: {{}}\n", 3, "at most 200 characters"
    )
    for name, chatbot_id, part in (
        *(
            (name, text, "cannot be a chatbot id")
            for name, text in (
                ("slash", "a/b"),
                ("dots", '".."'),
                ("blank", '"a b"'),
                ("newline", '"a\\nb"'),
                ("bidi", '"a\\u202eb"'),
                ("escape", '"a\\eb"'),
                ("nbsp", '"a\\_b"'),
            )
        ),
        *((name, text, "a chatbot id has 1 to 200") for name, text in (("empty", '""'), ("long", "x" * 201))),
        *((name, text, "put it in quotes") for name, text in (("number", "12"), ("list", "[a]"))),
        ("null", "~", "is empty"),
    ):
        yield refused(f"chatbot-id-{name}", f"{HEAD}metadata: {{chatbotId: {chatbot_id}}}\nspec: {{}}\n", 3, part)
    for place, text, line in (
        ("top", f"{HEAD}spec: {{}}\nx: 1\n", 4),
        ("metadata", f"{HEAD}spec: {{}}\nmetadata: {{x: 1}}\n", 4),
        ("spec", _spec("  x: 1"), 4),
        ("skill", _spec("  skills: [{name: a, x: 1}]"), 4),
        ("domain", _spec("  domains: [{domain: a.com, x: 1}]"), 4),
        ("api", _spec("  externalApi: {x: 1}"), 4),
    ):
        yield refused(f"unknown-key-{place}", text, line, 'unknown key "x"')
    yield refused("unknown-key-bidi", _spec('  "sk\\u202eills": []'), 4, 'unknown key "sk\\u202eills"')
    yield refused("unknown-key-homoglyph", _spec("  sk\u0456lls: []"), 4, "correct it")
    yield refused("server-owned", _spec("  skills: [{name: a, updatedAt: x}]"), 4, "is server-owned")
    yield refused("dry-run-in-document", f"{HEAD}dryRun: false\nspec: {{}}\n", 3, "belongs to a request")
    yield refused(
        "claimed-twice-in-a-file", f"---\n{HEAD}metadata: {{chatbotId: x}}\nspec: {{}}\n" * 2, 2, "is claimed twice"
    )


def _json() -> Iterator[Case]:
    for name, text, part in (
        ("nan", _JSON % '{"core": {"a": NaN}}', "not a JSON number"),
        ("infinity", _JSON % '{"core": {"a": Infinity}}', "not a JSON number"),
        ("1e400", _JSON % '{"core": {"a": 1e400}}', "not a finite number"),
        ("401-digits", _JSON % ('{"core": {"a": ' + "9" * 401 + "}}"), "not a finite number"),
        ("2^53", _JSON % '{"core": {"a": 9007199254740992}}', "beyond ±(2^53 - 1)"),
        ("leading-zero", _JSON % '{"core": {"a": 012}}', "not valid JSON"),
        ("plus", _JSON % '{"core": {"a": +1}}', "not valid JSON"),
        ("hex", _JSON % '{"core": {"a": 0x1}}', "not valid JSON"),
        ("comment", "// c\n" + _JSON % "{}", "not valid JSON"),
        ("trailing-comma", _JSON % '{"core": {"a": 1,}}', "not valid JSON"),
        ("single-quotes", "{'spec': {}}", "not valid JSON"),
        ("two-documents", _JSON % "{}" * 2, "something follows the end"),
        ("garbage-behind", _JSON % "{}" + "}", "something follows the end"),
        ("truncated", (_JSON % "{}")[:-6], "not valid JSON"),
        ("lone-high-surrogate", _JSON % '{"core": {"a": "\\ud800"}}', "U+D800"),
        ("lone-low-surrogate", _JSON % '{"core": {"a": "\\udc00x"}}', "U+DC00"),
        ("lone-surrogate-in-key", _JSON % '{"core": {"\\ud83d": 1}}', "U+D83D"),
        ("swapped-surrogates", _JSON % '{"core": {"a": "\\udc00\\ud800"}}', "U+DC00"),
        ("escaped-nul", _JSON % '{"core": {"a": "x\\u0000"}}', "U+0000"),
        ("raw-newline-in-text", _JSON % '{"core": {"a": "x\ny"}}', "not valid JSON"),
        ("bad-escape", _JSON % '{"core": {"a": "\\x41"}}', "not valid JSON"),
        ("words", "nulll", "not valid JSON"),
        ("nothing", "", "not valid JSON"),
        ("yaml-in-json", HEAD + "spec: {}\n", "not valid JSON"),
    ):
        line = 2 if name in {"two-documents", "garbage-behind"} else 1
        yield refused(f"json-{name}", text, line, part, JSON)
    yield accepted("json-surrogate-pair", _JSON % '{"core": {"a": "\\ud83d\\ude00"}}', path=JSON)
    yield accepted("json-proto", _JSON % '{"core": {"__proto__": {"x": 1}, "constructor": 1}}', path=JSON)
