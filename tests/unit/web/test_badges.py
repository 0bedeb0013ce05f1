"""How states look: told once, for every page."""

import pytest

from reconciler.domain.status import Direction, Sync
from reconciler.web.ui.badges import sync_badge


@pytest.mark.parametrize(
    ("sync", "direction", "words"),
    [
        (Sync.SYNCED, Direction.IN_SYNC, "in sync"),
        (Sync.SYNCED, Direction.UNKNOWN, "in sync"),
        (Sync.OUT_OF_SYNC, Direction.GIT_AHEAD, "git ahead"),
        (Sync.OUT_OF_SYNC, Direction.UNKNOWN, "side unknown"),
        (Sync.OUT_OF_SYNC, Direction.IN_SYNC, "out of sync"),
        (Sync.OUT_OF_SYNC, None, "out of sync"),
        (Sync.UNKNOWN, Direction.DIVERGED, "unknown"),
    ],
)
def test_a_chatbot_is_shown_by_the_side_that_moved_where_that_says_more(
    sync: Sync, direction: Direction | None, words: str
) -> None:
    assert sync_badge(sync, direction).words == words
