import pytest

from reconciler.domain.sentences import ended, first_few, joined
from reconciler.domain.source_causes import explain_source
from reconciler.domain.status import EXPLANATIONS
from reconciler.errors import SourceCause


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
    assert joined(["it is down", "", "It is late.", "it is down"]) == "it is down. It is late."
    assert joined([]) == ""


@pytest.mark.parametrize("said", [*EXPLANATIONS.values(), *(explain_source(cause) for cause in (*SourceCause, None))])
def test_every_explanation_is_a_sentence(said: str) -> None:
    assert ended(said) == said
    assert said[0].isupper()


def test_the_first_few_say_how_many_more_there_are() -> None:
    assert first_few(["a", "b"], 2) == "a, b"
    assert first_few(["a", "b"], 5) == "a, b and 3 more"
    assert first_few(["a"], 1) == "a"
