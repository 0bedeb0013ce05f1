"""What the fleet page says of suspensions."""

from collections.abc import Sequence

from reconciler.domain.entities import Chatbot
from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.web.fleet.page_view import SuspensionNotes, chatbots_of, suspension_notes
from tests.support.records import a_chatbot, a_suspension

ALL = a_suspension()
BOT = a_suspension("suspension_2", kind=ScopeKind.CHATBOT, subject="bot_1")
SOURCE = a_suspension("suspension_3", kind=ScopeKind.SOURCE, subject="a b")
TENANT = a_suspension("suspension_4", kind=ScopeKind.TENANT, subject="acme")


def told(standing: Sequence[Suspension], *known: Chatbot) -> list[tuple[str, Sequence[tuple[str, str | None]]]]:
    return [(each.kind, each.subjects) for each in suspension_notes(standing, known).shown]


def test_each_is_told_by_what_people_call_it_with_its_page() -> None:
    assert told([BOT, SOURCE, ALL, TENANT], a_chatbot("bot_1", name="Acme Shop")) == [
        ("chatbot", [("Acme Shop", "/chatbots/acme/bot_1")]),
        ("source", [("a b", "/sources#a%20b")]),
        ("tenant", [("acme", None)]),
    ]


def test_an_id_that_tenants_share_is_told_of_each() -> None:
    shared = (a_chatbot("bot_1", name="Acme Shop"), a_chatbot("bot_1", tenant="other"))
    assert told([BOT], *shared) == [
        ("chatbot", [("Acme Shop of acme", "/chatbots/acme/bot_1"), ("bot_1 of other", "/chatbots/other/bot_1")])
    ]


def test_a_chatbot_that_nobody_knows_is_told_by_its_id() -> None:
    assert told([BOT]) == [("chatbot", [("bot_1", None)])]


def test_of_many_the_newest_are_told_and_the_rest_are_counted() -> None:
    many = [a_suspension(str(number), kind=ScopeKind.CHATBOT, subject=f"bot_{number}") for number in range(7)]
    assert chatbots_of([ALL, *many]) == {"bot_0", "bot_1", "bot_2", "bot_3", "bot_4"}
    assert (len(suspension_notes(many, []).shown), suspension_notes(many, []).more) == (5, 2)
    assert suspension_notes([ALL], []) == SuspensionNotes()
