"""The author, time and subject of a commit."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CommitFact:
    """A commit. Its author, time and subject are chosen by the person who pushes: they are shown, and not relied on.

    Attributes:
        id: The whole commit id.
        author: The author's name, without unseen characters and keys.
        at: When it was committed, as the commit says.
        subject: Its first line, without unseen characters and keys.
    """

    id: str
    author: str
    at: datetime
    subject: str
