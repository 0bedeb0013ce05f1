"""The kinds of records that are removed for their age."""

from enum import StrEnum


class Expiring(StrEnum):
    """What is removed some time after it ended.

    Attributes:
        RUNS: Finished runs. The newest of a source and the newest that succeeded stay.
        PLANS: Closed plans, with their approvals and applies. What stays: rejected ones, those of which an approval was
            taken back or an apply did not end Applied, the last Applied one of a chatbot, and what counts for the brake
            of a revision that a chatbot still has.
        SUSPENSIONS: Those that were ended.
        SESSIONS: Expired ones.
        TRANSITIONS: Episodes that are over.
    """

    RUNS = "runs"
    PLANS = "plans"
    SUSPENSIONS = "suspensions"
    SESSIONS = "sessions"
    TRANSITIONS = "transitions"
