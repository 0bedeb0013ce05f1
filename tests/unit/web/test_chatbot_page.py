"""What a chatbot's page says, built of values alone."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.entities import Chatbot
from reconciler.domain.layout import Exported
from reconciler.domain.listing import Page
from reconciler.domain.status import EXPLANATIONS, Direction, Reason, Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.context import Actor
from reconciler.engine.live_views import LiveView
from reconciler.render.alignment import Effort
from reconciler.render.text_diff import EFFORT
from reconciler.web.chatbots.page_view import ChatbotPage, ChatbotPageData, chatbot_page, listing, sentence
from reconciler.web.suspensions.box import suspend_box
from reconciler.web.ui.git_origin import GitOrigin
from reconciler.web.ui.layout import SIGNED_OUT
from reconciler.web.ui.paths import chatbot_path
from tests.fakes.clock import START
from tests.support.records import a_chatbot, a_document, a_suspension

BODY = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "Acme"}}}


def page(chatbot: Chatbot, **changes: Any) -> ChatbotPage:
    standing = changes.pop("standing", ())
    actor = Actor("ann", Role.OPERATOR)
    known = ChatbotPageData(
        now=START,
        chatbot=chatbot,
        document=a_document(),
        origin=GitOrigin("chatbots/bot_1.yaml", "a" * 40, 1),
        live=None,
        standing=standing,
        box=suspend_box(actor, f"chatbot/{chatbot.id}", chatbot.source, standing, title="this chatbot", back="/"),
        forget=None,
        timeline=(),
        is_whole=True,
        past=Page((), None),
    )
    return chatbot_page(SIGNED_OUT, replace(known, **changes), Effort(EFFORT))


def test_every_standing_has_a_sentence_of_its_own() -> None:
    said = {
        sentence(a_chatbot(source=source, sync=sync, direction=direction))
        for source, sync, direction in (
            ("main", Sync.SYNCED, Direction.IN_SYNC),
            ("main", Sync.OUT_OF_SYNC, Direction.GIT_AHEAD),
            ("main", Sync.OUT_OF_SYNC, Direction.LIVE_AHEAD),
            ("main", Sync.OUT_OF_SYNC, Direction.DIVERGED),
            ("main", Sync.OUT_OF_SYNC, Direction.UNKNOWN),
            ("main", Sync.UNKNOWN, Direction.UNKNOWN),
            (None, Sync.UNKNOWN, Direction.UNKNOWN),
        )
    }
    assert len(said) == 7


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_to_do_once(reason: Reason) -> None:
    explained = EXPLANATIONS[reason]
    for message in ("", explained, f"{explained} (and more)", "Something else."):
        advice = page(a_chatbot(reason=reason, message=message)).advice
        # of a source that is not trusted its own message says which of several causes it is
        told_by_message = reason is Reason.SOURCE_UNKNOWN and message == "Something else."
        assert advice.count(explained) == (0 if told_by_message else 1)
        assert message in advice


def test_a_document_is_shown_as_somebody_would_write_it() -> None:
    document = a_document(body={**BODY, "prune": False}, labels={"team": "support"})
    desired = page(a_chatbot(source="main"), document=document).desired
    assert desired is not None
    assert desired.listing is not None
    assert desired.listing.text == (
        "apiVersion: v1\nkind: ChatbotConfig\nmetadata:\n  chatbotId: bot_1\n  labels:\n    team: support\n"
        "spec:\n  core:\n    name: Acme\nprune: false\n"
    )
    assert not desired.listing.is_long


def test_a_refused_document_says_why() -> None:
    refused = a_document(body=None, digest=None, refusal=Reason.DOCUMENT_INVALID, refusal_message="line 3 is wrong")
    desired = page(a_chatbot(source="main"), document=refused).desired
    assert desired is not None
    assert (desired.listing, desired.refusal) == (None, "line 3 is wrong")
    assert page(a_chatbot(), document=None, origin=None).desired is None


def test_what_is_unseen_or_secret_is_not_shown_as_it_is() -> None:
    hidden = "a\u202eb\u200bc\x1b[31m"
    key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    shown = listing({"spec": {"a": hidden, hidden: "b", "key": key, "broken": "\ud800"}}).text
    assert not any(char in shown for char in "\u202e\u200b\x1b\ud800")
    assert "\\u202e" in shown.lower()
    assert key not in shown
    assert "[a GitHub token]" in shown


def test_what_is_long_is_folded_and_what_is_endless_is_cut() -> None:
    assert not listing({"spec": {"skills": ["x"] * 58}}).is_long
    assert listing({"spec": {"skills": ["x"] * 59}}).is_long
    endless = listing({"spec": {"prompt": "x" * 300_000}})
    assert (endless.is_cut, len(endless.text)) == (True, 200_000)


def test_only_wider_suspensions_are_told_beside_the_form() -> None:
    own = a_suspension("suspension_2", kind=ScopeKind.CHATBOT, subject="bot_1")
    wide = a_suspension("suspension_3", kind=ScopeKind.SOURCE, subject="main")
    shown = page(a_chatbot(source="main"), standing=(own, wide))
    assert (shown.box.standing, list(shown.wider)) == (own, [wide])


def test_what_is_live_is_told_with_its_failure_or_what_is_left_out() -> None:
    said = page(a_chatbot(), live=LiveView(START, Exported("bot_1", None, BODY, ("mcpServers",)))).live
    failed = page(a_chatbot(), live=LiveView(START, None, "WizChat cannot be reached")).live
    assert page(a_chatbot()).live is None
    assert said is not None
    assert said.listing is not None
    assert ("name: Acme" in said.listing.text, said.omitted, said.failure) == (True, ("mcpServers",), None)
    assert failed is not None
    assert (failed.listing, failed.failure) == (None, "WizChat cannot be reached")


def test_the_path_of_a_page_holds_any_id() -> None:
    assert chatbot_path("x/y", "a?b#c %2f") == "/chatbots/x%2Fy/a%3Fb%23c%20%252f"
