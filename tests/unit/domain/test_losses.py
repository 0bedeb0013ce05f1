"""The one definition of a loss: whatever takes something away is one, and what only adds is none."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.list_matching import label_of
from reconciler.domain.losses import Loss, LossKind, is_rewritten, losses, summary, total
from reconciler.domain.plan import Action, Op, OpTarget

PROMPT = "You help the customers of Acme with their orders. Be brief, be kind, and never promise a date."
NAMES = st.sampled_from(["id", "name", "x", "y", "z", "x.y"])
SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.text("ab ", max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=14
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def update(before: dict[str, Any], after: dict[str, Any], section: str = "core") -> Op:
    return Op(section, Action.UPDATE, None, before, after, tuple(sorted({*before, *after})))


def within(before: dict[str, Any], after: dict[str, Any]) -> Op:
    """An update of one field that holds all of it: the API names no field within a key that holds a dot."""
    return update({"behavior": before}, {"behavior": after})


def changed(path: str, before: Any, after: Any) -> tuple[Loss, ...]:
    """The losses by a change of one field; an absent value is `...`."""
    section, _, name = path.partition(".")
    old, new = ({} if value is ... else {name: value} for value in (before, after))
    return losses([Op(section, Action.UPDATE, None, old, new, (name,))])


def says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(says_something, value.values()))
    return bool(value.strip()) if isinstance(value, str) else value is not None and value != []


def containers(value: Any) -> Iterator[Any]:
    """The value and every object and list within it."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ({"name": "refunds", "x": 1}, "refunds"),
        ({"id": 7}, "7"),
        ({"x": 1}, "an entry"),
        ("n" * 60, "n" * 60),
        ("n" * 61, "n" * 59 + "…"),
        (["a"], '["a"]'),
    ],
)
def test_an_entry_is_called_by_its_identity_or_its_value_where_that_is_short(entry: Any, label: str) -> None:
    assert label_of(entry) == label


@pytest.mark.parametrize(
    ("before", "after", "kind", "count"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, None, LossKind.REMOVED, 3),
        ("text", "", LossKind.EMPTIED, 1),
    ],
)
def test_what_is_lost_as_a_whole_counts_by_what_it_held(before: Any, after: Any, kind: LossKind, count: int) -> None:
    (loss,) = changed("core.theme", before, after)
    assert (loss.kind, loss.count) == (kind, count)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Where something can be taken away: a container, and what is in it."""
    found: list[tuple[Any, Any]] = []
    for each in containers(value):
        if isinstance(each, dict):
            found += [(each, name) for name, inner in each.items() if says_something(inner)]
        else:
            found += [(each, at) for at in range(len(each))]
    return found


@given(OBJECTS, st.data())
def test_whatever_is_taken_away_at_any_depth_is_a_loss(before: dict[str, Any], data: st.DataObject) -> None:
    after = copy.deepcopy(before)
    possible = places(after)
    if not possible:
        return
    where, what = data.draw(st.sampled_from(possible))
    if isinstance(where, dict) and data.draw(st.booleans()):
        where[what] = data.draw(st.sampled_from([None, "", [], {}, " \n\u200b"]))
    else:
        del where[what]
    assert total(losses([within(before, after)])) > 0


@given(OBJECTS, st.data())
def test_what_only_adds_at_any_depth_is_none(before: dict[str, Any], data: st.DataObject) -> None:
    after = copy.deepcopy(before)
    for _ in range(data.draw(st.integers(0, 4))):
        where = data.draw(st.sampled_from(list(containers(after))))
        new = data.draw(VALUES)
        if isinstance(where, dict):
            where.setdefault(data.draw(NAMES), new)
        else:
            where.insert(data.draw(st.integers(0, len(where))), new)
    assert losses([within(before, after)]) == ()


@given(st.lists(OBJECTS, max_size=4), st.permutations(range(4)))
def test_the_order_of_entries_that_have_an_identity_says_nothing(
    entries: list[dict[str, Any]], order: list[int]
) -> None:
    before = [{**entry, "id": f"e{number}"} for number, entry in enumerate(entries)]
    after = [before[at] for at in order if at < len(before)]
    assert losses([update({"list": before}, {"list": after})]) == ()


@given(st.lists(OBJECTS, min_size=2, max_size=5), st.data())
def test_a_plan_loses_what_its_ops_lose(configs: list[dict[str, Any]], data: st.DataObject) -> None:
    ops = [within(before, data.draw(OBJECTS)) for before in configs]
    ops.insert(0, Op("skills", Action.DELETE, "a", {"name": "a"}))
    assert losses(ops) == tuple(loss for op in ops for loss in losses([op]))
    assert bool(summary(losses(ops))) == (total(losses(ops)) > 0)


@pytest.mark.parametrize("action", [Action.CREATE, Action.NOOP])
def test_creates_and_noops_lose_nothing(action: Action) -> None:
    assert losses([Op("skills", action, "a", None, {"name": "a", "isPublic": True})]) == ()


def test_a_delete_loses_the_item() -> None:
    (loss,) = losses([Op("mcpServers", Action.DELETE, "crm", {"name": "crm", "url": "x"})])
    assert (loss.kind, loss.count, str(loss)) == (LossKind.DELETED, 1, 'deletes mcpServers "crm"')


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("core.requireAuth", True, False),
        ("core.requireAuth", True, None),
        ("core.requireAuth", True, ...),
        ("core.authConfig", {"ssoRequired": True}, {"ssoRequired": False}),
        ("core.behavior", {"moderation": {"enabled": True}}, {"moderation": {"enabled": False}}),
        ("core.security", {"redactNames": True}, {"redactNames": False}),
        ("core.byoiConfig", {"enabled": True}, {"enabled": False}),
        ("core.security", {"redactNames": 1}, {"redactNames": 0}),
        ("core.security", {"redactNames": "on"}, {"redactNames": "Off "}),
        ("core.security", {"redactNames": "true"}, {"redactNames": "false"}),
        ("core.security", None, {"redactNames": False}),
        ("core.moderation", {"level": "high"}, {"level": "none"}),
        ("core.moderation.disabled", False, True),
        ("core.disableAuth", False, True),
        ("core.disableAuth", ..., "yes"),
        ("core.security.noRedaction", ..., True),
        ("core.skip_verification", 0, 1),
        ("core.bypassModeration", None, True),
        ("core.unsafeHtml", False, True),
        ("core.authOptional", False, True),
        ("core.isPublic", False, "true"),
        ("core.access", {"public": False}, {"public": 1}),
        ("accessProtection.keys", [{"id": "k", "status": "revoked"}], [{"id": "k", "status": "active"}]),
        ("externalApi.keys", [{"id": "k", "status": "revoked"}], [{"id": "k", "status": "active"}]),
        ("core.embedConfig", {"allowAnonymous": False}, {"allowAnonymous": True}),
        ("accessProtection.enabled", True, False),
        ("accessProtection.enabled", ..., False),
        ("accessProtection.enabled", True, "no"),
        ("accessProtection.jwtConfig.enabled", True, False),
        ("accessProtection.jwtConfig", {"algorithm": "RS256"}, {"algorithm": "none"}),
        ("telemetry.level", "anonymized", "identified"),
        ("telemetry.level", "identified", "full"),
        ("telemetry.level", ..., "identified"),
        ("telemetry.level", None, "full"),
        ("telemetry.level", "full", "everything"),
        ("telemetry.endUserOptOutAllowed", True, False),
        ("telemetry.pseudonymizeIdentifiers", True, False),
        ("telemetry.retentionMonths", 6, 12),
        ("mcpServers.isPublic", False, True),
        ("mcpServers.allowUiResources", False, True),
        ("mcpServers.allowLlmCompletion", False, True),
        ("scopes.scopes", [{"id": "a", "requireAuth": True}], [{"id": "a", "requireAuth": False}]),
    ],
)
def test_a_protection_that_is_lifted_is_a_loss(path: str, before: Any, after: Any) -> None:
    assert [loss.kind for loss in changed(path, before, after)] == [LossKind.UNPROTECTED]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("core.requireAuth", False, True),
        ("core.requireAuth", ..., True),
        ("core.authorNames", True, False),
        ("core.disableAuth", True, False),
        ("core.disableCache", False, True),
        ("core.notify", False, True),
        ("core.security.level", "off", "none"),
        ("core.security", {"redactNames": "off"}, {"redactNames": "on"}),
        ("core.security", None, {"redactNames": True}),
        ("core.isPublic", 1, True),
        ("core.aiConfig", {"seed": 1}, {"seed": 0}),
        ("externalApi.keys", [{"id": "k", "status": "active"}], [{"id": "k", "status": "revoked"}]),
        ("core.behavior.handover.enabled", True, False),
        ("core.anonymousAccess", True, False),
        ("accessProtection.enabled", False, True),
        ("accessProtection.jwtConfig.algorithm", "HS256", "RS256"),
        ("externalApi.enabled", True, False),
        ("externalApi.enabled", False, True),
        ("externalApi.rateLimitPerMinute", 60, 120),
        ("telemetry.level", "full", "anonymized"),
        ("telemetry.level", ..., "anonymized"),
        ("telemetry.level", "everything", "full"),
        ("telemetry.endUserOptOutAllowed", False, True),
        ("skills.enabled", True, False),
        ("mcpServers.isPublic", True, False),
        ("scopes.scopes", [{"id": "requireAuth", "on": True}], [{"id": "requireAuth", "on": False}]),
        ("core.aiConfig.temperature", 0.7, 0),
        ("core.name", "Acme", "Acme Support"),
    ],
)
def test_what_protects_more_or_only_differs_is_none(path: str, before: Any, after: Any) -> None:
    assert changed(path, before, after) == ()


def test_a_limit_that_is_removed_and_records_that_are_deleted_are_losses() -> None:
    assert [each.kind for each in changed("externalApi.rateLimitPerMinute", 60, None)] == [LossKind.REMOVED]
    assert [each.kind for each in changed("telemetry.retentionMonths", 12, 6)] == [LossKind.SHORTENED]
    assert [each.kind for each in changed("telemetry.retentionMonths", 12, None)] == [LossKind.REMOVED]


@pytest.mark.parametrize("months", [1, 24])
@pytest.mark.parametrize("unstated", [..., None])
def test_a_retention_where_none_was_stated_may_delete_records(unstated: Any, months: int) -> None:
    (loss,) = changed("telemetry.retentionMonths", unstated, months)
    assert (loss.kind, str(loss)) == (LossKind.SHORTENED, "shortens telemetry.retentionMonths")


def test_a_server_that_is_at_another_host_is_a_loss_that_says_so() -> None:
    before, after = ({"name": "crm", "url": f"https://{host}.example/mcp"} for host in ("crm.acme", "other"))
    (loss,) = losses([Op("mcpServers", Action.UPDATE, "crm", before, after, ("url",))])
    assert (loss.kind, loss.count, str(loss)) == (LossKind.REDIRECTED, 1, 'points mcpServers "crm".url elsewhere')


def test_an_address_within_an_entry_of_a_list_is_one_too() -> None:
    before, after = ([{"id": "a", "url": f"https://{host}.example"}] for host in ("crm.acme", "other"))
    assert [str(loss) for loss in changed("core.hooks", before, after)] == ["points core.hooks[a].url elsewhere"]


def test_an_address_that_is_gone_is_removed_and_points_nowhere() -> None:
    assert [each.kind for each in changed("core.webhookUrl", "https://a.example", None)] == [LossKind.REMOVED]
    assert [each.kind for each in changed("core.webhookUrl", "https://a.example", " ")] == [LossKind.EMPTIED]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["a", "b", "c"], ["c"], [(LossKind.REMOVED, 2, False)]),
        (["a"], [], [(LossKind.EMPTIED, 1, True)]),
        (["a", "b"], None, [(LossKind.REMOVED, 2, True)]),
        (["a", "b"], ..., [(LossKind.REMOVED, 2, True)]),
        (["a", "a"], ["a"], [(LossKind.REMOVED, 1, False)]),
        (["a"], ["b"], [(LossKind.REMOVED, 1, False)]),
        (["b", "a"], ["a", "b"], []),
        ([], ["a"], []),
        (["a"], ["a", "*"], [(LossKind.OPENED, 1, False)]),
        (["a"], ["*"], [(LossKind.OPENED, 1, False), (LossKind.REMOVED, 1, False)]),
        ([], ["https://*"], [(LossKind.OPENED, 1, False)]),
        (["*"], ["*", "a"], []),
        (["*"], ["a"], [(LossKind.REMOVED, 1, False)]),
        ([{"origin": "a"}], [{"origin": "a"}, {"origin": "*"}], [(LossKind.OPENED, 1, False)]),
        (["a"], "a", [(LossKind.REMOVED, 1, True)]),
        (["a.b"], ["a.b", "c.d *"], [(LossKind.OPENED, 1, False)]),
        (["a.b"], ["a.b", "c.d,https://*"], [(LossKind.OPENED, 1, False)]),
        (["a.b"], ["a.b", "'self' https:"], [(LossKind.OPENED, 1, False)]),
        (["a.b"], ["a.b", "c.d e.f"], []),
        (["a.b"], ["a.b", "co.uk"], [(LossKind.OPENED, 1, False)]),
        (["*.co.uk"], ["*.co.uk", "*"], [(LossKind.OPENED, 1, False)]),
        (["*.uk"], ["*.uk", "*.co.uk"], []),
    ],
)
def test_entries_of_lists(before: Any, after: Any, found: list[tuple[LossKind, int, bool]]) -> None:
    said = changed("accessLists.authorizedDomains", before, after)
    assert [(loss.kind, loss.count, loss.empties) for loss in said] == found


def test_an_entry_under_another_identity_is_another_entry() -> None:
    before = [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]
    renamed = [{"id": "b", "label": "B"}, {"id": "z", "label": "A"}]
    (loss,) = changed("scopes.scopes", before, renamed)
    assert (loss.kind, loss.entries) == (LossKind.REMOVED, ("a",))
    relabelled = [{"id": "b", "label": "Z"}, {"id": "a", "label": "A"}]
    assert changed("scopes.scopes", before, relabelled) == ()


def test_an_entry_that_an_id_and_a_name_lead_to_different_entries_is_looked_at_under_both() -> None:
    guarded, open_ = {"requireAuth": True}, {"requireAuth": False}
    before = [{"id": 1, "name": "billing", **guarded}, {"id": 2, "name": "news", **open_}]
    renumbered = [{"id": 1, "name": "news", **guarded}, {"id": 2, "name": "billing", **open_}]
    assert [str(loss) for loss in changed("core.tools", before, renumbered)] == [
        "lifts the protection core.tools[1].requireAuth"
    ]
    assert changed("core.tools", before, list(reversed(before))) == ()
    assert changed("core.tools", before, [{**before[0], "name": "bills"}, before[1]]) == ()


def test_an_entry_that_is_there_twice_by_now_is_held_against_both() -> None:
    signed_in = {"id": "billing", "label": "Billing", "requireAuth": True}
    open_to_all = {"id": "billing", "label": "Billing again", "requireAuth": False}
    before, other = [signed_in, {"id": "faq", "requireAuth": False}], {"id": "news", "requireAuth": False}
    for after in ([*before, open_to_all], [open_to_all, *before]):
        [lost] = changed("scopes.scopes", before, after)
        assert (lost.kind, lost.field) == (LossKind.UNPROTECTED, "scopes[billing].requireAuth")
    assert changed("scopes.scopes", before, [*before, signed_in]) == ()
    assert changed("scopes.scopes", before, [*before, other, other]) == ()


def test_entries_without_an_identity_may_grow_and_change_places() -> None:
    before = [{"q": "Why?"}, {"q": "When?", "tags": ["a"]}]
    assert changed("core.questions", before, [{"q": "When?", "tags": ["a", "b"]}, {"q": "Why?"}]) == ()
    (loss,) = changed("core.questions", before, [{"q": "When?", "tags": []}, {"q": "Why?"}])
    assert (loss.kind, loss.count) == (LossKind.REMOVED, 1)


def test_what_is_gone_within_an_entry_says_where() -> None:
    before = [{"id": "billing", "persona": "P", "mcpServerIds": ["crm", "erp"]}]
    after = [{"id": "billing", "mcpServerIds": ["erp"]}]
    assert [str(loss) for loss in changed("scopes.scopes", before, after)] == [
        "removes 1 entry from scopes.scopes[billing].mcpServerIds",
        "removes scopes.scopes[billing].persona",
    ]


def test_a_value_of_another_kind_in_place_of_an_object_or_a_text_is_a_loss() -> None:
    assert total(changed("core.embedConfig", {"a": 1, "b": [1, 2]}, "off")) == 3
    assert [loss.kind for loss in changed("core.behavior.systemPrompt", PROMPT, 1)] == [LossKind.REWRITTEN]
    assert [loss.kind for loss in changed("core.topics", "a", ["a"])] == [LossKind.REMOVED]
    assert [loss.kind for loss in changed("core.security", "strict", {"level": "strict"})] == [LossKind.REMOVED]


def test_an_asterisk_in_prose_lets_nobody_in() -> None:
    assert changed("core.behavior.greeting", "Hi", "* Orders, https: and more") == ()


@pytest.mark.parametrize(
    ("after", "rewritten"),
    [
        ("x", True),
        ("Something else altogether that nobody has read before, and more of it.", True),
        (" ".join(PROMPT.split()[:8]), True),
        (" ".join(PROMPT.split()[:9]), False),
        (PROMPT.replace("brief", "short"), False),
        (" ".join(reversed(PROMPT.split())), False),
        (f"{PROMPT} {PROMPT}", False),
    ],
)
def test_less_than_half_of_a_text_is_a_loss(after: str, *, rewritten: bool) -> None:
    assert is_rewritten(PROMPT, after) == rewritten
    kinds = [loss.kind for loss in changed("core.behavior.systemPrompt", PROMPT, after)]
    assert kinds == ([LossKind.REWRITTEN] if rewritten else [])


def test_a_short_text_and_an_address_are_values() -> None:
    assert not is_rewritten("Hi! What are you looking for today?", "Hello")
    assert not is_rewritten(f"https://cdn.acme.example/{'logo' * 9}.svg", f"https://cdn.acme.example/{'logo' * 9}.png")


def test_a_text_without_blanks_between_its_words_is_weighed_by_its_characters() -> None:
    before = "您是一家公司的客户支持助手。请始终礼貌地回答问题。不要承诺任何退款。也不要透露其他客户的个人信息。"
    assert is_rewritten(before, "你好")
    assert not is_rewritten(before, before.replace("礼貌", "友好"))


def test_a_very_long_text_is_weighed_by_its_lines() -> None:
    lines = [f"Rule {number}: say so, and say it kindly." for number in range(9000)]
    assert is_rewritten("\n".join(lines), "\n".join(lines[:4000]))
    assert not is_rewritten("\n".join(lines), "\n".join(lines[:5000]))
    words = " ".join(f"word{number}" for number in range(40_000))
    assert is_rewritten(words, words[:1000])


def test_the_worst_is_said_first_and_what_is_many_is_counted() -> None:
    found = losses(
        [
            Op("skills", Action.DELETE, "a"),
            update({"x": "a", "y": ["1", "2"]}, {"x": "", "y": ["2"]}),
            update({"enabled": True}, {"enabled": False}, "accessProtection"),
            Op("skills", Action.DELETE, "b"),
        ]
    )
    assert summary(found) == (
        "deletes 2 items, lifts the protection accessProtection.enabled, empties core.x and removes 1 entry from core.y"
    )
    many = losses([update({f"f{number}": "x" for number in range(9)}, {})])
    assert summary(many).endswith("removes core.f5 and takes away 3 more")
    assert summary(()) == ""


def test_keys_and_paths_show_nothing_unseen() -> None:
    loss = Loss(LossKind.REMOVED, OpTarget("skills", "a\u202eb"), "x\u200b")
    assert str(loss) == 'removes skills "a\\u202eb".x\\u200b'
