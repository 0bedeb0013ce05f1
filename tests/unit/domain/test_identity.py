"""Whether two names are of one person, and which names a person may have."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.domain.escaping import is_unseen
from reconciler.domain.identity import is_proper_name, person_key, same_person
from tests.support.records import an_approval

HIDDEN = [
    "ann\ufe0f",
    "ann\u034f",
    "an\u17b5n",
    "ann\u2800",
    "a\u200bnn",
    "\u202eann",
    "ann\u3164",
    "a\x00nn",
    "ann\U000e0041",
]


@pytest.mark.parametrize("other", [*HIDDEN, "Ann", " ann ", "\uff41\uff4e\uff4e", "ann\u00a0"])
def test_one_person_however_the_name_is_written(other: str) -> None:
    assert same_person("ann", other)
    assert an_approval(actor=other).is_of("ann")


@pytest.mark.parametrize("other", ["anne", "a nn", "\u0430nn", "\u00e0nn", ""])
def test_another_name_is_another_person(other: str) -> None:
    assert not same_person("ann", other)
    assert not an_approval(actor=other).is_of("ann")


def test_an_unseen_character_keeps_no_letter_from_its_mark() -> None:
    assert same_person("jos\u00e9", "jose\u200d\u0301")


def test_what_the_policy_approved_is_no_persons() -> None:
    assert not an_approval(actor="policy:auto_apply", automatic=True).is_of("policy:auto_apply")


@pytest.mark.parametrize(
    "name", ["ann", "ann@example.com", "Grüße", "日本語", "policymaker", "Ann Example", "webhooks"]
)
def test_what_people_are_called_is_proper(name: str) -> None:
    assert is_proper_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *HIDDEN, "", " ann", "ann ", "a" * 201, "a\nb",
        "reconciler", "Reconciler", "\uff52econciler", "nobody", "cli:root", "CLI:root", "webhook/x",
        "policy:auto_apply",
    ],
)  # fmt: skip
def test_what_hides_something_or_is_the_programs_is_not(name: str) -> None:
    assert not is_proper_name(name)


@given(st.text(st.characters(exclude_categories=())))
@example("\u3164\uffa0")
def test_the_key_of_a_key_is_itself_and_holds_nothing_unseen(name: str) -> None:
    key = person_key(name)
    assert person_key(key) == key
    assert key == name or not any(map(is_unseen, key))
