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
