"""What the settings say about sources of one tenant that may claim the same chatbots."""

import pytest

from reconciler.domain.claim_limits import Limits, open_claims


@pytest.mark.parametrize(
    "limits",
    [
        {"one": ()},
        {"one": ("bot_1", "sales_*"), "two": ("bot_2", "support_*")},
        {},
    ],
)
def test_nothing_is_said_where_each_source_keeps_to_its_own(limits: Limits) -> None:
    assert list(open_claims("acme", limits)) == []


@pytest.mark.parametrize(
    ("limits", "named", "not_named"),
    [
        ({"one": (), "two": ()}, "one, two", "three"),
        ({"one": ("bot_1",), "two": ()}, "own: two:", "one"),
    ],
)
def test_a_source_without_limits_beside_another_is_named(limits: Limits, named: str, not_named: str) -> None:
    (said,) = open_claims("acme", limits)
    assert named in said
    assert not_named not in said
    assert "tenant acme has 2 sources" in said
    assert "set `chatbots`" in said


@pytest.mark.parametrize(
    ("mine", "theirs", "shared"),
    [
        (("bot_1",), ("bot_1",), "bot_1"),
        (("sales_*",), ("sales_eu_*",), "sales_eu_*"),
        (("sales_eu",), ("sales_*",), "sales_eu"),
        (("a", "b*"), ("c", "b*"), "b*"),
    ],
)
def test_limits_that_take_in_the_same_are_named(mine: tuple[str, ...], theirs: tuple[str, ...], shared: str) -> None:
    (said,) = open_claims("acme", {"one": mine, "two": theirs})
    assert said.startswith(f"the sources one and two of tenant acme may both claim {shared}:")


@pytest.mark.parametrize(
    ("limits", "visible", "said"),
    [
        ({"one": (), "two": ()}, {"one"}, ["tenant acme has several sources", "own: one, another source:"]),
        ({"one": ("bot_1",), "two": ()}, {"one"}, ["own: another source:"]),
        ({"one": ("secret_1",), "two": ("secret_*",)}, {"one"}, ["one and another source", "claim the same chatbots"]),
        ({"one": (), "two": ()}, {"one", "two"}, ["tenant acme has 2 sources", "own: one, two:"]),
    ],
)
def test_a_source_that_somebody_may_not_see_is_not_named(limits: Limits, visible: set[str], said: list[str]) -> None:
    (told,) = open_claims("acme", limits, visible)
    assert not [text for text in said if text not in told]
    assert ("two" in told or "secret" in told) is ("two" in visible)


@pytest.mark.parametrize("limits", [{"one": (), "two": ()}, {"one": ("a",), "two": ("a",)}])
def test_what_concerns_no_source_that_somebody_may_see_is_not_told(limits: Limits) -> None:
    assert list(open_claims("acme", limits, {"elsewhere"})) == []
    assert list(open_claims("acme", limits, ())) == []
