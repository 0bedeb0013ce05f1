import pytest

from reconciler.domain.access import Role
from reconciler.domain.grants import Grant, Grants, Right, reach, role_for
from reconciler.engine.context import Actor
from reconciler.errors import Forbidden

GRANTS = Grants(
    (
        Grant("*", Role.VIEWER),
        Grant("support", Role.APPROVER, ("a",)),
        Grant("support", Role.OPERATOR, ("a", "b")),
        Grant("platform", Role.ADMIN),
    )
)


@pytest.mark.parametrize(
    ("groups", "source", "role"),
    [
        ((), "a", Role.VIEWER),
        (("support",), "a", Role.APPROVER),
        (("support",), "b", Role.OPERATOR),
        (("support",), "c", Role.VIEWER),
        (("support",), None, Role.VIEWER),
        (("platform",), None, Role.ADMIN),
        (("platform", "support"), "a", Role.ADMIN),
        (("Support", "support "), "a", Role.VIEWER),
    ],
)
def test_of_several_grants_the_highest_that_covers_the_source_holds(
    groups: tuple[str, ...], source: str | None, role: Role
) -> None:
    assert GRANTS.role_in(groups, source) is role


def test_without_a_grant_there_is_no_role() -> None:
    assert Grants().role_in(("platform",), "a") is None
    assert Grants((Grant("support", Role.ADMIN, ("a",)),)).role_in(("support",), None) is None
    assert Actor.of_rights("ann", ()) is None


def test_a_group_that_is_named_like_everybody_gives_no_more_than_everybody_has() -> None:
    assert GRANTS.role_in(("*",), "a") is Role.VIEWER


def test_rights_reach_as_far_as_the_widest() -> None:
    assert reach(()) == ()
    assert reach((Right(Role.VIEWER, ("b",)), Right(Role.ADMIN, ("a", "b")))) == ("a", "b")
    assert reach((Right(Role.VIEWER), Right(Role.ADMIN, ("a",)))) is None
    assert role_for((Right(Role.VIEWER), Right(Role.ADMIN, ("a",))), "b") is Role.VIEWER


def test_an_actor_has_for_each_source_the_role_of_their_rights() -> None:
    actor = Actor.of_rights("ann", GRANTS.rights(("support",)))
    assert actor is not None

    assert (actor.role, actor.sources, actor.token_id) == (Role.APPROVER, None, None)
    actor.require(Role.APPROVER, "a")
    actor.require(Role.OPERATOR, "b")
    actor.require(Role.VIEWER)
    assert actor.sees("c")
    assert actor.sees(None)
    for role, source in ((Role.APPROVER, "b"), (Role.OPERATOR, "c"), (Role.OPERATOR, None), (Role.APPROVER, None)):
        with pytest.raises(Forbidden, match="ann"):
            actor.require(role, source)
    with pytest.raises(Forbidden, match="this needs the role admin; ann has approver"):
        actor.require(Role.ADMIN, "a")


def test_an_actor_of_one_right_is_held_to_its_sources() -> None:
    actor = Actor("bob", Role.ADMIN, sources=("a", "b"))

    actor.require(Role.ADMIN, "a")
    assert not actor.sees(None)
    with pytest.raises(Forbidden, match="this concerns the source c; bob is admin for a, b only"):
        actor.require(Role.ADMIN, "c")
    with pytest.raises(Forbidden, match="every source"):
        actor.require(Role.VIEWER)
