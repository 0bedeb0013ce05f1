"""What a plan leaves as it is."""

from reconciler.domain.plan import Action, Op
from reconciler.render.noops import unchanged_items

BODY = {
    "spec": {
        "core": {"name": "Acme"},
        "skills": [{"name": "refunds"}, {"name": "returns"}],
        "domains": [{"domain": "acme.example"}],
        "telemetry": {"level": "full"},
    }
}
REFUNDS = Op("skills", Action.UPDATE, "refunds", {"mode": "always"}, {"mode": "never"}, ("mode",))
OLD = Op("domains", Action.DELETE, "old.example", {"domain": "old.example"})


def test_what_the_body_states_and_no_op_touches_is_named_in_the_bodys_order() -> None:
    assert unchanged_items(BODY, [REFUNDS, OLD], 7) == [
        "core settings",
        "skill returns",
        "domain acme.example",
        "telemetry",
    ]


def test_nothing_is_named_where_everything_changes() -> None:
    assert unchanged_items({"spec": {"skills": [{"name": "refunds"}]}}, [REFUNDS], 0) == []


def test_nothing_is_guessed_when_an_op_is_about_what_the_body_does_not_state() -> None:
    assert (
        unchanged_items(BODY, [Op("domains", Action.CREATE, "ACME.example", None, {"domain": "ACME.example"})], 9) == []
    )


def test_nothing_is_guessed_when_the_api_counted_fewer() -> None:
    assert unchanged_items(BODY, [REFUNDS], 3) == []
