"""The strict readers: what they accept, what they refuse, and that they name the place."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sources.builder import DocumentLimits, RawDocument
from reconciler.sources.json_reader import read_json
from reconciler.sources.text_decoding import NotText, decode
from reconciler.sources.yaml_reader import read_yaml
from tests.support.work import counted

HUGE = 2**53


def read_one(text: str, limits: DocumentLimits | None = None) -> RawDocument:
    (document,) = read_yaml(text, limits or DocumentLimits())
    return document


def faults(document: RawDocument) -> list[tuple[int, int, str]]:
    return [(finding.line, finding.column, finding.message) for finding in document.findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, word) for word in ("no", "on", "yes", "off", "y", "1:30", "0123", "-007", "1_000", "2024-01-01")],
        *[(word, None) for word in ("~", "null", "Null", "NULL")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        *[("0", 0), ("-12", -12), ("+12", 12), ("0o17", 15), ("0xfF", 255), ("0b11", "0b11")],
        *[("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015)],
        *[('"1"', "1"), ("'true'", "true"), ('"a\\nb"', "a\nb"), ("tRUE", "tRUE"), ("-", "-"), (".", "."), ("+", "+")],
        *[("nullish", "nullish"), ("1.2.3", "1.2.3"), ("1e", "1e"), (".e5", ".e5"), ("0x", "0x")],
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    if text == "-":
        text, value = '"-"', "-"
    document = read_one(f"a: {text}\n")
    assert document.findings == ()
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_keys_stay_text() -> None:
    assert read_one("no: 1\n0123: 2\n1: 3\ntrue: 4\nnull: 5\n").value == {
        "no": 1,
        "0123": 2,
        "1": 3,
        "true": 4,
        "null": 5,
    }


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'the key "a" stands twice, first at line 1, column 1: keep one of them'),
        ("x: {a: 1, 'a': 2}\n", 1, 11, 'the key "a" stands twice, first at line 1, column 5: keep one of them'),
        ("a: !!str 1\n", 1, 4, 'the tag "tag:yaml.org,2002:str" is not allowed: remove it'),
        ("a: !x {}\n", 1, 4, 'the tag "!x" is not allowed: remove it'),
        ("a:\n  <<: {b: 1}\n", 2, 3, "merge keys (<<) are not allowed: write the keys out"),
        ("a: &x 1\n*x : 2\n", 2, 1, "a key must be plain text: write it out instead of an alias"),
        ("? [a]\n: 1\n", 1, 3, "a key must be plain text, not a mapping or a list"),
        ("? {a: 1}\n: 1\n", 1, 3, "a key must be plain text, not a mapping or a list"),
        ("a: {? : 1}\n", 1, 7, 'a key is missing before ":"'),
        ("a: .inf\n", 1, 4, '".inf" is not a finite number of bearable length: quote it'),
        ("a: .NaN\n", 1, 4, '".NaN" is not a finite number of bearable length: quote it'),
        ("a: 1e999\n", 1, 4, '"1e999" is not a finite number of bearable length: quote it'),
        (f"a: {HUGE}\n", 1, 4, "the number is beyond ±(2^53 - 1), where JSON readers lose digits: quote it"),
        ('a: "x\\0y"\n', 1, 4, "the text contains U+0000, which cannot be sent: remove it"),
        ("a: *x\n", 1, 4, 'nothing before this is anchored as "&x": correct the name'),
        ("a: &x [1, *x]\n", 1, 11, 'the alias "*x" stands inside of what it names: write it out'),
        (
            "a: x\u2028y\n",
            1,
            5,
            'the character U+2028 is read differently by different programs: write it as "\\u2028"',
        ),
        ("a: x\u0085y\n", 1, 5, 'the character U+0085 is read differently by different programs: write it as "\\x85"'),
        (
            "é: 1\né: 'a\x07'\n",
            2,
            6,
            'the character U+0007 is read differently by different programs: write it as "\\x07"',
        ),
    ],
)
def test_what_is_ambiguous_or_broken_is_refused_at_its_place(text: str, line: int, column: int, message: str) -> None:
    found = [fault for document in read_yaml(text) for fault in faults(document)]
    assert (line, column, message) in found


def test_every_fault_of_a_document_is_found() -> None:
    document = read_one("a: 1\na: 2\nb: !x 1\nc:\n  <<: {}\nd: .nan\n")
    assert [line for line, _, _ in faults(document)] == [2, 3, 5, 6]


def test_a_fault_names_where_in_the_document_it_is() -> None:
    document = read_one("a:\n  - b: 1\n  - b:\n      c: !x 1\n")
    assert [finding.pointer for finding in document.findings] == [("a", 1, "b", "c")]


def test_a_refused_document_does_not_hide_the_next() -> None:
    documents = list(read_yaml("? [a]\n: 1\n---\nok: 1\n---\na: 1\na: 2\n---\nok: 2\n"))
    assert [document.value for document in documents] == [{}, {"ok": 1}, {"a": 1}, {"ok": 2}]
    assert [document.complete for document in documents] == [False, True, True, True]


def test_a_fault_of_syntax_ends_the_file_and_what_came_before_stands() -> None:
    documents = list(read_yaml("ok: 1\n---\nmetadata: {chatbotId: x}\nb: [\n---\nok: 2\n"))
    assert [document.complete for document in documents] == [True, False]
    assert documents[1].value["metadata"] == {"chatbotId": "x"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_endings_make_no_difference(newline: str) -> None:
    document = read_one(newline.join(["a: |", "  x", "  y", "b: 1", "b: 2"]))
    assert document.value == {"a": "x\ny\n", "b": 1}
    assert faults(document)[0][:2] == (5, 1)


def test_an_alias_repeats_what_it_names() -> None:
    document = read_one("a: &x {b: [1, 2]}\nc: *x\nd: [*x, &y z, *y]\n")
    assert document.findings == ()
    assert document.value["c"] == {"b": [1, 2]}
    assert document.value["d"] == [{"b": [1, 2]}, "z", "z"]


def test_an_anchor_is_known_in_its_own_document_only() -> None:
    documents = list(read_yaml("a: &x 1\n---\nb: *x\n"))
    assert documents[1].findings[0].message.startswith("nothing before this is anchored")


LINKS = st.lists(st.sampled_from(["&a", "&b", "*a", "*b", "*nobody", "x", "{k: *a, l: 1}", "{*a : 1}"]), max_size=6)


@given(st.lists(LINKS, max_size=5))
def test_every_value_that_a_walk_meets_is_counted(lists: list[list[str]]) -> None:
    anchored = [
        f"- {'&a' if number % 2 else '&b'} [{', '.join(f'{one} v' if one[0] == '&' else one for one in items)}]"
        for number, items in enumerate(lists)
    ]
    for document in read_yaml("\n".join(anchored)):
        assert document.nodes >= values_in(document.value)


def values_in(value: Any) -> int:
    match value:
        case dict():
            return 1 + sum(1 + values_in(inner) for inner in value.values())
        case list():
            return 1 + sum(map(values_in, value))
        case _:
            return 1


def bomb(levels: int) -> str:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(9), "the document holds more than 100000 values"),
        (bomb(7).replace("&a0", "&other"), "the document holds more than 100000 values"),
        ("a: &a [x]\nb: [" + "*a, " * 101 + "]", "more than 100 aliases"),
        ("a: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 10 + "]", "the document holds more than 4194304 characters"),
        ("[" * 200_000, "nested deeper than 64 levels"),
        ("{a: " * 50_000, "nested deeper than 64 levels"),
        ("- " * 200_000, "nested deeper than 64 levels"),
        ("? " * 200_000, "a key must be plain text"),
        ("[" + "x, " * 100_001 + "]", "the document holds more than 100000 values"),
        ("a0: &a0 " + "[" * 40 + "]" * 40 + "\na1: " + "[" * 40 + "*a0" + "]" * 40, "nested deeper than 64 levels"),
    ],
    ids=[
        "aliases of aliases",
        "unknown aliases",
        "many aliases",
        "long alias",
        "lists",
        "maps",
        "blocks",
        "keys",
        "wide",
        "deep alias",
    ],
)
def test_a_bomb_is_refused_before_it_takes_much_work(text: str, message: str) -> None:
    with counted(most=12_000_000):
        found = [fault[2] for document in read_yaml(text) for fault in faults(document)]
    assert any(message in fault for fault in found)


@pytest.mark.parametrize("depth", [64, 65])
def test_documents_nest_up_to_the_limit(depth: int) -> None:
    for document in (read_one("[" * depth + "]" * depth), read_json("[" * depth + "]" * depth)):
        assert bool(document.findings) is (depth > 64)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ('{"a": 1,\n "a": 2}', 2, 2, 'the key "a" stands twice, first at line 1, column 2: keep one of them'),
        ('{"a": NaN}', 1, 7, "NaN is not a JSON number: use a finite one"),
        ('{"a": -Infinity}', 1, 7, "not valid JSON: expected a value"),
        ('{"a": 1e999}', 1, 7, '"1e999" is not a finite number of bearable length: quote it'),
        (
            '{"a": 12345678901234567890}',
            1,
            7,
            "the number is beyond ±(2^53 - 1), where JSON readers lose digits: quote it",
        ),
        ('{"a": 0123}', 1, 8, 'not valid JSON: expected "," or "}"'),
        ("[1,]", 1, 4, "not valid JSON: expected a value"),
        ('{"a": 1,}', 1, 9, "not valid JSON: expected a key in double quotes"),
        ("{a: 1}", 1, 2, 'not valid JSON: expected a key in double quotes or "}"'),
        ('{"a" 1}', 1, 6, 'not valid JSON: expected ":" after the key'),
        ('["a\nb"]', 1, 4, "not valid JSON: invalid control character"),
        ('["a]', 1, 2, "not valid JSON: unterminated string starting"),
        ('["\\ud800"]', 1, 2, "the text contains U+D800, which cannot be sent: remove it"),
        ('["\\u0000"]', 1, 2, "the text contains U+0000, which cannot be sent: remove it"),
        ("{}\n{}", 2, 1, "something follows the end of the document: a JSON file holds one document"),
        ("", 1, 1, "not valid JSON: expected a value"),
        ("// x\n{}", 1, 1, "not valid JSON: expected a value"),
        ("[" * 200_000, 1, 65, "nested deeper than 64 levels: flatten it"),
    ],
)
def test_json_is_refused_at_its_place(text: str, line: int, column: int, message: str) -> None:
    assert faults(read_json(text)) == [(line, column, message)]


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"a: 1\nb: \xff", 2, 4, "the file is not UTF-8: save it as UTF-8"),
        ("é: \ud800".encode(errors="surrogatepass"), 1, 4, "the file is not UTF-8: save it as UTF-8"),
        ("a: 1".encode("utf-16"), 1, 1, "the file is not UTF-8, it looks like UTF-16: save it as UTF-8"),
        (b"a\nb\0", 2, 2, "the file contains NUL, so it is not text: save it as UTF-8 text"),
        (b"x" * (1024 * 1024 + 1), 1, 1, "the file is larger than 1048576 bytes: split it"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            1,
            1,
            "the file is a Git LFS pointer, not its content: keep it in git itself",
        ),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, line: int, column: int, message: str) -> None:
    with pytest.raises(NotText) as raised:
        decode(data)
    finding = raised.value.finding
    assert (finding.line, finding.column, finding.message) == (line, column, message)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfa: 1") == "a: 1"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_json_is_read_as_it_was_written(value: Any, indent: int | None, ascii_only: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    document = read_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    assert document.findings == ()
    assert json.dumps(document.value) == json.dumps(value)


# JSON is YAML 1.2, but libyaml reads YAML 1.1: keys longer than 1,024 characters apart, ASCII JSON is read alike.
BMP = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x7f", max_codepoint=0xFFFF), max_size=20)
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | BMP,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(BMP, inner, max_size=5),
    max_leaves=30,
)


@given(PLAIN_VALUES)
def test_both_readers_read_json_alike(value: Any) -> None:
    text = json.dumps(value)
    document = read_one(text)
    assert document.findings == ()
    assert json.dumps(document.value) == json.dumps(read_json(text).value)


class _Quoting(yaml.SafeDumper):
    """Quotes every text, because PyYAML itself writes ``1e3`` and ``0o7`` plain, which YAML 1.2 reads as numbers."""


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@given(VALUES, st.booleans())
def test_yaml_is_read_as_it_was_written(value: Any, unicode: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    text = yaml.dump(value, Dumper=_Quoting, allow_unicode=unicode, sort_keys=False, width=10_000)
    document = read_one(text)
    assert document.findings == ()
    assert document.value == value


@given(st.text(max_size=200) | st.text("[]{}:,-?&*!|>'\"%@` \n#ab1", max_size=60))
def test_no_text_makes_a_reader_fail_otherwise_than_by_a_finding(text: str) -> None:
    for document in [*read_yaml(text), read_json(text)]:
        assert document.complete or document.findings
        for finding in document.findings:
            assert finding.line >= 1
            assert finding.column >= 1
