"""What people do wrong in YAML and JSON, told in their words, at the place where it is to be mended."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.secrets import find_secrets
from reconciler.sources.json_reader import read_json
from reconciler.sources.positions import Finding
from reconciler.sources.yaml_mistakes import explain
from reconciler.sources.yaml_reader import read_yaml

PARSER_WORDS = re.compile(r"scalar|token|simple key|block mapping|flow|node|context|stream|indicator|found |did not")
KEY = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2"


def last(text: str) -> Finding:
    """The finding that ends the file."""
    return [finding for document in read_yaml(text) for finding in document.findings][-1]


@pytest.mark.parametrize(
    ("text", "line", "column", "said", "meant"),
    [
        # tabs
        ("a:\n\tb: 1\n", 2, 1, "a tab stands", None),
        ("a:\n\t- b\n", 2, 1, "a tab stands", None),
        ("a:\n  b: 1\n\tc: 2\n", 3, 1, "a tab stands", None),
        ("a:\n  -\tb: 1\n", 2, 4, "a tab stands", None),
        ("a: |\n\tx\n", 2, 1, "a tab stands", None),
        ("a: 1\n\t\nb: 2\n", 2, 1, "a tab stands", None),
        ("a:\r\n\tb: 1\r\n", 2, 1, "a tab stands", None),
        # quotes
        ('a: "open\nb: 1\nc: 2\n', 1, 4, "the double quote that is opened here is not closed before the end", None),
        ("a: 1\nb: 'open\nc: 2\n", 2, 4, "the single quote that is opened here is not closed before the end", None),
        ('a: 1\n---\nb: "x\n---\nc: 1\n', 3, 4, 'is not closed before the "---" in line 4', None),
        ("a: 'it's here'\n", 1, 8, "text follows the quote that closes the one in column 4", None),
        ('a: "say "hi" now"\n', 1, 10, "text follows the quote that closes the one in column 4", None),
        ('- a: "x" y\n', 1, 10, "text follows the quote that closes the one in column 6", None),
        ('a: "C:\\path"\n', 1, 7, '"\\p" begins no escape', None),
        ('a: "\\xZZ"\n', 1, 5, '"\\x" begins no escape', None),
        ('a: "\\ud800"\n', 1, 5, '"\\u" begins no escape', None),
        # blanks after colons
        ("a:1\nb: 2\n", 1, 2, 'a blank is missing after "a:"', "a: 1"),
        ("a:\n  b:1\n  c: 2\n", 2, 4, 'a blank is missing after "b:"', "b: 1"),
        ("a: 1\nb:2\n", 2, 2, 'a blank is missing after "b:"', "b: 2"),
        ("a:1\n\n# why\nb: 2\n", 1, 2, 'a blank is missing after "a:"', "a: 1"),
        ("a: 1\n... x\n", 2, 5, "the document has ended before this line", None),
        ("[a]\nb: 1\n", 2, 1, "the document has ended before this line", None),
        # characters that begin no text
        ("a: @x\n", 1, 4, 'a text cannot begin with "@": put the text in quotes', "'@x'"),
        ("a: `x` # why\n", 1, 4, 'a text cannot begin with "`": put the text in quotes', "'`x`'"),
        ("a: %x\n", 1, 4, 'a text cannot begin with "%"', "'%x'"),
        ("a: 1\n%x 2\n", 2, 1, 'a text cannot begin with "%"', "'%x 2'"),
        ("a: **bold**\n", 1, 4, 'a text cannot begin with "*"', "'**bold**'"),
        ("a: *bold* text\n", 1, 4, 'a text cannot begin with "*"', "'*bold* text'"),
        ("a: & co\n", 1, 4, 'a text cannot begin with "&"', "'& co'"),
        ("a: ,b\n", 1, 4, 'a text cannot begin with ","', "',b'"),
        ("a: !a!b c\n", 1, 4, 'a text cannot begin with "!"', "'!a!b c'"),
        ("a: ? x\n", 1, 4, 'a text cannot begin with "? "', None),
        ("a: - x\n", 1, 4, "a list begins on a line of its own", None),
        ("a: | text\n  b\n", 1, 6, 'the text after "|" begins on the next line', None),
        ("a: {x} text\n", 1, 8, 'text follows the "}" of what "{" opens in column 4', None),
        ("a: [note] see: x\n", 1, 11, 'text follows the "]" of what "[" opens in column 4', None),
        # colons within a text
        ("a: b: c\n", 1, 5, 'a second ": " stands in one line: put the text in quotes', None),
        ("a: Note: read this\n", 1, 8, 'a second ": " stands in one line', None),
        ("a: hello\n  world: x\n", 2, 8, "this line is indented more than line 1, which has a value already", None),
        ("hello\na: 1\n", 2, 2, 'line 1 has no ": "', None),
        ("a: 1\nb\nc: 2\n", 2, 1, 'this line has no ": "', None),
        ("a" * 1030 + ": 1\n", 1, 1, "a key has more than 1024 characters", None),
        # brackets
        ("a: [1, 2\nb: 3\n", 2, 2, 'the "[" of line 1, column 4 is not closed: write "]"', None),
        ("a: {x: 1\nb: 3\n", 2, 2, 'the "{" of line 1, column 4 is not closed: write "}"', None),
        ("a: [1, 2}\n", 1, 9, '"}" cannot close the "[" of line 1, column 4: write "]"', None),
        ("a: {b: 1 c: 2}\n", 1, 11, 'a "," is missing within the "{"', None),
        ("a: {b: 1}}\n", 1, 10, 'this "}" closes nothing', None),
        ("a: 1\nb: ]\n", 2, 4, 'this "]" closes nothing', None),
        # indentation
        ("a:\n    b: 1\n  c: 2\n", 3, 3, "indented otherwise than the keys that begin in line 1", None),
        ("a:\n  - x\n - y\n", 3, 2, "a list item stands among the keys that begin in line 1", None),
        ("a:\n  - b: 1\n   c: 2\n", 3, 4, "no item of the list that begins in line 2", None),
        # what tools leave behind
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n", 3, 1, "line 2 begins a merge conflict", None),
        ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", 2, 2, "line 1 begins a merge conflict", None),
        ("a: 1\n\ufeffb: 2\n", 2, 1, "remove this byte order mark", None),
        ("a:\n\u00a0\u00a0b: 1\n", 2, 1, "a blank that is no plain one", None),
        # what is YAML, and was hardly meant
        ("a: *name\n", 1, 4, 'nothing before this is anchored as "&name"', "'*name'"),
        ("a: !important\n", 1, 4, 'the tag "!important" is not allowed', "'!important'"),
    ],
)
def test_a_mistake_in_yaml_is_told_in_plain_words(
    text: str, line: int, column: int, said: str, meant: str | None
) -> None:
    found = last(text)
    assert (found.line, found.column, found.suggestion) == (line, column, meant)
    assert said in found.message
    assert not PARSER_WORDS.search(found.message)


@pytest.mark.parametrize(
    "text", ["a: 1\rb: 2\r", "a: 1\r\nb: 2\r\n", "a: http://x\n", 'a: "x" # y\n', "a: &x 1\nb: *x\n"]
)
def test_what_only_looks_odd_is_no_mistake(text: str) -> None:
    assert [document.findings for document in read_yaml(text)] == [()]


@pytest.mark.parametrize(
    ("text", "line", "column", "said", "meant"),
    [
        ("{'a': 1}", 1, 2, "expected a key in double quotes", '"a"'),
        ("{a: 1}", 1, 2, "expected a key in double quotes", '"a"'),
        ('{"a": True}', 1, 7, "expected a value", "true"),
        ('{"a": None}', 1, 7, "expected a value", "null"),
        ("{\"a\": 'b'}", 1, 7, "expected a value", '"b"'),
        ('{"a": b}', 1, 7, "expected a value", '"b"'),
        ('{"a": 1 "b": 2}', 1, 9, 'expected "," or "}"', None),
        ('{"a": [1, 2}', 1, 12, 'expected "," or "]"', None),
        ('{"a": 1,\n}', 2, 1, "expected a key in double quotes", None),
        ('{"a": "x', 1, 7, "unterminated string", None),
        ('{"a": "C:\\path"}', 1, 10, "invalid \\escape", None),
        ('{"a": 1', 1, 8, 'expected "," or "}"', None),
        ("", 1, 1, "expected a value", None),
        ("apiVersion: v1\nkind: ChatbotConfig\n", 1, 1, "looks like YAML, so let the file's name end with .yaml", None),
        ("# a bot\r\n\r\nspec:\r\n  core: {}\r\n", 1, 1, "looks like YAML", None),
        ("---\napiVersion: v1\n", 1, 1, "looks like YAML", None),
        ("# a bot\n{}", 1, 1, "expected a value", None),
        ("hello", 1, 1, "expected a value", '"hello"'),
        ('{"a": b: c}', 1, 7, "expected a value", '"b"'),
    ],
)
def test_a_mistake_in_json_is_told_in_plain_words(
    text: str, line: int, column: int, said: str, meant: str | None
) -> None:
    (found,) = read_json(text).findings
    assert (found.line, found.column, found.suggestion) == (line, column, meant)
    assert said in found.message


@given(
    st.lists(
        st.sampled_from(
            ["a: ", "b:", "- ", "'", '"', "[", "]", "{", "}", "\t", "\n", "  ", "@", "*", "&", "x", "|", ":"]
        )
    )
)
def test_whatever_stands_there_the_place_is_in_the_file(pieces: list[str]) -> None:
    text = "".join(pieces)
    height = text.count("\n") + 1
    for document in read_yaml(text):
        for found in document.findings:
            assert 1 <= found.line <= height + 1
            assert found.column >= 1


@pytest.mark.parametrize("text", ["a:{}\nb: 1\n", "a: @{}\n", "a: '{}\n", "{}: x: y\n", "a: *{}\n"])
def test_no_message_repeats_a_key(text: str) -> None:
    for document in read_yaml(text.format(KEY)):
        for found in document.findings:
            assert not list(find_secrets(str(found.diagnostic("a.yaml"))))


def test_what_is_none_of_the_known_mistakes_is_told_in_the_parser_s_words() -> None:
    unknown = yaml.MarkedYAMLError("while trying", None, "something new came up", None)
    assert explain(unknown, "a: 1\n").message == "not valid YAML while trying: something new came up"
