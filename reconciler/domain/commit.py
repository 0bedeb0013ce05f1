"""The author, time and subject of a commit."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CommitFact:
    """A commit. Whoever pushes chooses its author, its time and its subject: they are told, and nothing rests on them.

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
