"""Says what is wrong with a text that is not YAML in the words of the person who wrote it, not of a parser.

libyaml tells what it expected when it gave up. What people did is mostly one of a few things: a tab, a quote that was
not closed, a blank that is missing after a colon, a text that needs quotes. Each is known by what the parser says and
by what stands at that place; what is none of them is told in the parser's words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from reconciler.sources.builder import shorten
from reconciler.sources.positions import Finding, Position

_BREAKS: Final = re.compile("\r\n|\r|\n")
_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |\Z)")
_NO_BLANK: Final = re.compile(r"\s*(?:- )?(?P<key>[A-Za-z_][\w.-]*):(?P<value>[^\s/:].*)\Z")
_QUOTED: Final = re.compile(r"""\s*(?:- +)?(?:[^\s"'][^"']*?: +)?(?P<quote>["'])""")
_BRACED: Final = re.compile(r"\s*(?:- +)?(?:[^\s{\[]+: +)?(?P<open>[{\[])")
_CLOSING: Final = {"[": "]", "{": "}"}
_NEXT_DOCUMENT: Final = "expected <document start>"
_LONGEST_KEY: Final = 1024
_SHOWN: Final = 40
_LOOKED_AT: Final = 4096
"""Of a line, which may be as long as a file."""


@dataclass(frozen=True, slots=True)
class _Break:
    """Where and why the parser gave up.

    Attributes:
        problem: What it says.
        context: What it was at.
        at: Where it gave up.
        since: Where what it was at began.
        lines: The lines of the file.
    """

    problem: str
    context: str
    at: Position
    since: Position
    lines: Sequence[str] = field(repr=False)

    @property
    def line(self) -> str:
        """The line where the parser gave up; empty at the end of the file."""
        return self._line(self.at[0])

    @property
    def before(self) -> str:
        """What stands before that place in its line."""
        return self.line[: self.at[1] - 1]

    @property
    def char(self) -> str:
        """The character at that place."""
        return self.line[self.at[1] - 1 : self.at[1]]

    def above(self) -> tuple[int, str]:
        """The nearest line above that says something, with its number; 0 when there is none."""
        for number in range(self.at[0] - 1, 0, -1):
            line = self._line(number)
            if line.strip() and not line.lstrip().startswith("#"):
                return number, line
        return 0, ""

    def first_line(self) -> str:
        """The line in which what the parser was at began."""
        return self._line(self.since[0])

    def _line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class _Mistake:
    """What somebody did.

    Attributes:
        message: What it is, and what to do.
        place: Where.
        suggestion: How it was probably meant.
    """

    message: str
    place: Position
    suggestion: str | None = None


def explain(error: yaml.MarkedYAMLError, text: str) -> Finding:
    """The finding for what PyYAML's parser stumbled over.

    Args:
        error: What it says.
        text: The whole file.
    """
    found = _located(error, text)
    for look in _LOOKS:
        mistake = look(found)
        if mistake is not None:
            return Finding(f"not valid YAML: {mistake.message}", *mistake.place, suggestion=mistake.suggestion)
    context = f" {found.context}" if found.context else ""
    return Finding(f"not valid YAML{context}: {found.problem}", *found.at)


def _located(error: yaml.MarkedYAMLError, text: str) -> _Break:
    at = _position(error.problem_mark) or _position(error.context_mark) or (1, 1)
    since = _position(error.context_mark) or at
    return _Break(error.problem or "", error.context or "", at, since, _BREAKS.split(text))


def _position(mark: yaml.Mark | None) -> Position | None:
    return (mark.line + 1, mark.column + 1) if mark else None


def _conflict(found: _Break) -> _Mistake | None:
    marks = [number for number, line in enumerate(found.lines, start=1) if _CONFLICT.match(line)]
    if not marks or marks[0] > found.at[0]:
        return None
    return _Mistake(f"line {marks[0]} begins a merge conflict: settle it, and remove its marks", found.at)


def _tab(found: _Break) -> _Mistake | None:
    if "tab character" not in found.problem and not (_cannot_start(found) and found.char == "\t"):
        return None
    return _Mistake("a tab stands where only blanks may: indent with blanks", found.at)


def _open_quote(found: _Break) -> _Mistake | None:
    if "quoted scalar" not in found.context or "found unexpected" not in found.problem:
        return None
    quote = found.first_line()[found.since[1] - 1 : found.since[1]]
    name = "double" if quote == '"' else "single"
    where = "the end of the file" if "stream" in found.problem else f'the "{found.line[:3]}" in line {found.at[0]}'
    return _Mistake(f"the {name} quote that is opened here is not closed before {where}: close it", found.since)


def _escape(found: _Break) -> _Mistake | None:
    if "quoted scalar" not in found.context:
        return None
    start = max(0, found.line.rfind("\\", 0, found.at[1]))
    written = shorten(found.line[start : start + 2])
    message = f'"{written}" begins no escape that double quotes know: write the backslash twice, or use single quotes'
    return _Mistake(message, (found.at[0], start + 1))


def _first_character(found: _Break) -> _Mistake | None:
    """A text that begins with a character that YAML keeps for itself."""
    if _cannot_start(found) or (found.char == "," and "node content" in found.problem):
        char, place = found.char, found.at
    elif "scanning an alias" in found.context or "scanning an anchor" in found.context:
        place = found.since
        char = found.first_line()[place[1] - 1 : place[1]]
    elif "scanning a directive" in found.context:
        char, place = "%", found.since
    elif "a tag" in found.context or "tag handle" in found.problem:
        char, place = "!", found.since
    else:
        return None
    shown = f'"{char}"' if char.isprintable() else f"U+{ord(char):04X}" if char else "this"
    return _Mistake(f"a text cannot begin with {shown}: put the text in quotes", place, _in_quotes(found, place))


def _cannot_start(found: _Break) -> bool:
    return "cannot start any token" in found.problem


def _in_quotes(found: _Break, place: Position) -> str | None:
    rest = found.lines[place[0] - 1][place[1] - 1 :].split(" #", 1)[0].rstrip()
    is_plain = len(rest) <= _SHOWN and ": " not in rest and not set(rest) & set("\"'{}[]")
    return f"'{shorten(rest)}'" if is_plain else None


def _block_text(found: _Break) -> _Mistake | None:
    if "block scalar" not in found.context:
        return None
    mark = found.first_line()[found.since[1] - 1 : found.since[1]]
    return _Mistake(f'the text after "{mark}" begins on the next line, indented: move it there', found.at)


def _no_blank(found: _Break) -> _Mistake | None:
    """``key:value``, which is one text to YAML; it is noticed at the next key."""
    number = found.since[0] if "simple key" in found.context else found.above()[0]
    if not any(words in found.problem for words in ("mapping values", "expected ':'", _NEXT_DOCUMENT)):
        return None
    missing = _NO_BLANK.match(found.lines[number - 1][:_LOOKED_AT]) if number else None
    if missing is None or ": " in missing["value"]:
        return None
    key, value = missing["key"], missing["value"]
    suggestion = f"{shorten(key)}: {shorten(value)}" if len(value) <= _SHOWN else None
    return _Mistake(f'a blank is missing after "{shorten(key)}:"', (number, missing.end("key") + 1), suggestion)


def _colon_in_text(found: _Break) -> _Mistake | None:
    if "mapping values" not in found.problem:
        return None
    if len(found.before) > _LONGEST_KEY:
        return _Mistake(f"a key has more than {_LONGEST_KEY} characters: shorten it", (found.at[0], 1))
    if ": " in found.before.lstrip():
        message = 'a second ": " stands in one line: put the text in quotes, or begin a new line for the second key'
        return _Mistake(message, found.at)
    number, line = found.above()
    if number and _indent(found.line) > _indent(line):
        message = f"this line is indented more than line {number}, which has a value already: align it, or put the "
        return _Mistake(message + 'text of both in quotes, or after "|"', found.at)
    message = f'line {number} has no ": " and runs into this one' if number else "a key cannot begin here"
    return _Mistake(f"{message}: complete it", found.at)


def _no_colon(found: _Break) -> _Mistake | None:
    if "expected ':'" not in found.problem:
        return None
    message = 'this line has no ": ": complete it, or indent it as a part of the text above'
    return _Mistake(message, found.since)


def _after_text(found: _Break) -> _Mistake | None:
    """Something follows the end of a quoted text, or of a mapping or list in brackets."""
    if "expected key" not in found.problem:
        return None
    if (quoted := _QUOTED.match(found.line[:_LOOKED_AT])) and found.at[1] > quoted.end():
        quote = quoted["quote"]
        twice = '\\"' if quote == '"' else "''"
        message = (
            f"text follows the quote that closes the one in column {quoted.end()}: put all of it between the quotes"
        )
        return _Mistake(f"{message}, and write a quote within as {twice}", found.at)
    if found.char in ("}", "]") and found.char:
        return _Mistake(f'this "{found.char}" closes nothing: remove it, or open it first', found.at)
    if (braced := _BRACED.match(found.line[:_LOOKED_AT])) and found.at[1] > braced.end():
        closing = _CLOSING[braced["open"]]
        message = f'text follows the "{closing}" of what "{braced["open"]}" opens in column {braced.end()}: put a text '
        return _Mistake(message + "that begins so in quotes", found.at)
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _bad_indent(found: _Break) -> _Mistake | None:
    line = found.since[0]
    if "expected key" in found.problem:
        if found.line.lstrip().startswith("- ") and found.char == "-":
            return _Mistake(
                f"a list item stands among the keys that begin in line {line}: indent it, or move it", found.at
            )
        if found.char == ":":
            return _Mistake('a key is missing before ":"', found.at)
        if found.before.strip():
            return _Mistake("this does not belong to what stands before it: put the text in quotes", found.at)
        return _Mistake(f"this line is indented otherwise than the keys that begin in line {line}: align it", found.at)
    if "expected '-'" in found.problem:
        message = (
            f'this line is no item of the list that begins in line {line}: begin it with "- ", or indent it as the '
        )
        return _Mistake(message + "item above", found.at)
    return None


def _bracket(found: _Break) -> _Mistake | None:
    """A mapping or list in brackets that is not closed, or closed by the wrong one."""
    if "flow" not in found.context and "node content" not in found.problem:
        return None
    opened = found.first_line()[found.since[1] - 1 : found.since[1]]
    if "node content" in found.problem:
        if found.char in ("]", "}") and found.char:
            return _Mistake(f'this "{found.char}" closes nothing: remove it, or open it first', found.at)
        return _Mistake("a value is missing here: write one, or put the text in quotes", found.at)
    place = f'the "{opened}" of line {found.since[0]}, column {found.since[1]}'
    closing = _CLOSING.get(opened, "]")
    if found.char in ("]", "}") and found.char != closing:
        return _Mistake(f'"{found.char}" cannot close {place}: write "{closing}"', found.at)
    if found.at[0] > found.since[0] or not found.char:
        return _Mistake(f'{place} is not closed: write "{closing}" where it ends', found.at)
    return _Mistake(
        f'a "," is missing within {place}, or its "{closing}"; a text that holds such goes in quotes', found.at
    )


def _next_document(found: _Break) -> _Mistake | None:
    if _NEXT_DOCUMENT not in found.problem:
        return None
    return _Mistake('the document has ended before this line: begin another with "---", or remove it', found.at)


def _indicator(found: _Break) -> _Mistake | None:
    """A list or a complex key that begins where a text is expected."""
    if "not allowed in this context" not in found.problem:
        return None
    if "sequence entries" in found.problem:
        return _Mistake('a list begins on a line of its own: move "- " there, or put the text in quotes', found.at)
    return _Mistake('a text cannot begin with "? ": put the text in quotes', found.at)


_LOOKS: Final[tuple[Callable[[_Break], _Mistake | None], ...]] = (
    _conflict,
    _tab,
    _open_quote,
    _escape,
    _first_character,
    _block_text,
    _no_blank,
    _colon_in_text,
    _no_colon,
    _after_text,
    _bad_indent,
    _bracket,
    _next_document,
    _indicator,
)
"""What people do, in the order in which it is looked for."""
