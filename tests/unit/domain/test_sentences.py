import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.domain.sentences import as_sentence, ended, first_few, joined
from reconciler.domain.source_causes import explain_source
from reconciler.domain.status import EXPLANATIONS
from reconciler.errors import SourceCause

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("WizChat cannot be reached", "WizChat cannot be reached."),
        ("It is done.", "It is done."),
        ("Was it?", "Was it?"),
        ("It is done. (ann: because I say so)", "It is done. (ann: because I say so)"),
        ("It is done. (ann (again))", "It is done. (ann (again))"),
        ("2 of 8 failed (down)", "2 of 8 failed (down)."),
        ('Say "yes."', 'Say "yes."'),
        ('Say "yes"', 'Say "yes".'),
        ("and so on …", "and so on …"),
        ("down \n", "down."),
        ("", ""),
    ],
)
def test_a_message_ends_as_a_sentence(message: str, said: str) -> None:
    assert ended(message) == said
    assert ended(said) == said


def test_sentences_stand_beside_each_other_and_none_comes_twice() -> None:
    assert joined(["it is down", "", "It is late.", "it is down"]) == "It is down. It is late."
    assert joined(["It cannot be read: repair it.", "the repository cannot be read"]) == (
        "It cannot be read: repair it. The repository cannot be read."
    )
    assert joined([]) == ""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("the repository cannot be read", "The repository cannot be read."),
        ("git cannot be asked", "Git cannot be asked."),
        ("no, it is not", "No, it is not."),
        ("down", "Down."),
        ("  down", "Down."),
        ("a document is refused", "A document is refused."),
        ("2 of 8 failed (down)", "2 of 8 failed (down)."),
        ("ssh says no", "ssh says no."),
        ("https is needed", "https is needed."),
        ("policy.protected covers it", "policy.protected covers it."),
        ("api_key is refused", "api_key is refused."),
        ("git_failed: it says no", "git_failed: it says no."),
        ("unreachable: it is down", "unreachable: it is down."),
        ("ann: the token is revoked", "ann: the token is revoked."),
        ("chatbots/a.yaml is no document", "chatbots/a.yaml is no document."),
        ("a.yaml: it is empty", "a.yaml: it is empty."),
        ("bot_7f3a is gone", "bot_7f3a is gone."),
        ("my-bots is gone", "my-bots is gone."),
        ("git@git.example.com:bots.git: no", "git@git.example.com:bots.git: no."),
        ("https://git.example.com/bots.git: no", "https://git.example.com/bots.git: no."),
        ("'support' is unknown", "'support' is unknown."),
        ("`paths` match nothing", "`paths` match nothing."),
        ("écran", "écran."),
        ("iPhone bots are gone", "iPhone bots are gone."),
        ("", ""),
    ],
)
def test_a_message_begins_as_a_sentence_unless_with_a_name(message: str, said: str) -> None:
    assert as_sentence(message) == said
    assert as_sentence(said) == said


@pytest.mark.parametrize("said", [*EXPLANATIONS.values(), *(explain_source(cause) for cause in (*SourceCause, None))])
def test_every_explanation_is_a_sentence(said: str) -> None:
    assert ended(said) == said
    assert said[0].isupper()


def test_the_first_few_say_how_many_more_there_are() -> None:
    assert first_few(["a", "b"], 2) == "a, b"
    assert first_few(["a", "b"], 5) == "a, b and 3 more"
    assert first_few(["a"], 1) == "a"


_ENDS = re.compile(r"\S[.!?] \Z")
_WHOLE = ("explain_source(", "EXPLANATIONS[", "joined(", "ended(")
"""What gives whole sentences, after which another one begins."""


def joins_by_itself(text: ast.JoinedStr) -> bool:
    """Whether an f-string puts something behind the end of a sentence."""
    for before, after in pairwise(text.values):
        if isinstance(after, ast.FormattedValue) and isinstance(before, ast.Constant) and _ENDS.search(before.value):
            return True
        if isinstance(before, ast.FormattedValue) and ast.unparse(before.value).startswith(_WHOLE):
            blank = isinstance(after, ast.Constant) and after.value.startswith(" ") and not after.value.startswith(" (")
            if blank or isinstance(after, ast.FormattedValue):
                return True
    return False


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("f'It is down. {error}'", True),
        ("f'{explain_source(cause)} {error}'", True),
        ("f'{EXPLANATIONS[reason]}{more}'", True),
        ("f'{EXPLANATIONS[reason]} ({cause})'", False),
        ("f'it is down: {error}'", False),
        ("f'{cause}: {explain_source(cause)}'", False),
    ],
)
def test_what_joins_sentences_is_recognised(code: str, *, found: bool) -> None:
    expression = ast.parse(code, mode="eval").body
    assert isinstance(expression, ast.JoinedStr)
    assert joins_by_itself(expression) is found


def test_nothing_else_joins_sentences() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "reconciler").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr) and joins_by_itself(node)
    ]
    assert sorted(found) == []
