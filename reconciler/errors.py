"""Every error this program raises on purpose.

    ReconcilerError
    ├── SettingsError            a setting is unknown, missing or wrong
    ├── SourceUnreadable         git could not be read, or not trusted; carries a cause
    ├── TargetError              WizChat could not be asked, or said no
    │   ├── TargetUnreachable    no connection, no complete answer, or a 5xx
    │   ├── TargetUnauthorized   the key is refused
    │   │   └── AnotherAccount   it is of an account that has none of the chatbots
    │   ├── ScopeMissing         the key lacks a scope
    │   ├── ChatbotNotFound      404
    │   │   └── ChatbotHidden    403: the key may not use it
    │   ├── TargetRateLimited    429: come back later
    │   ├── QuotaExceeded        429: come back tomorrow
    │   ├── RequestRefused       any other 4xx
    │   └── BadAnswer            an answer that cannot be read
    ├── StoreError               the database is not usable as it is
    ├── Conflict                 what was asked no longer fits what is; carries a code
    ├── NotFound                 there is no such thing
    │   └── NotKept              there is none, or it is no longer kept
    ├── Forbidden                the person may not do this
    ├── LoginRefused             somebody may not sign in; carries a code
    │   └── LoginNeverBegun           a browser came back that began no attempt here (web.login.attempts)
    ├── Unwritable               a live configuration holds what no document can state (domain.layout)
    ├── NoOutput                 there is nowhere to print to (cli.output)
    ├── CannotWrite              files cannot be written, or are in the way (cli.files)
    ├── BadPath                  a PATH of a command names nothing that can be used (cli.paths)
    └── BadDocument              a document has warnings, and they were to count as errors (cli.paths)

Each message is one sentence that says what to change; it may be shown to anyone, so it never holds a secret.
"""

from enum import StrEnum


class ReconcilerError(Exception):
    """The root: what is raised on purpose and may be shown as it is."""

    def __reduce__(self) -> tuple[object, ...]:
        """Errors come back from other processes: their arguments are not always those that they were made with."""
        return _restored, (type(self), self.args), self.__dict__


class SettingsError(ReconcilerError):
    """A setting is unknown, missing or wrong."""


class SourceCause(StrEnum):
    """Why a source cannot be read or trusted."""

    UNREACHABLE = "Unreachable"
    TIMEOUT = "Timeout"
    AUTHENTICATION_FAILED = "AuthenticationFailed"
    BRANCH_MISSING = "BranchMissing"
    REPOSITORY_EMPTY = "RepositoryEmpty"
    TOO_LARGE = "TooLarge"
    GIT_FAILED = "GitFailed"
    HISTORY_REWRITTEN = "HistoryRewritten"
    NOTHING_MATCHED = "NothingMatched"
    PATHS_EMPTIED = "PathsEmptied"
    DOCUMENTS_VANISHED = "DocumentsVanished"
    NOT_CONFIGURED = "NotConfigured"
    NOT_READ_YET = "NotReadYet"


class SourceUnreadable(ReconcilerError):
    """Git could not be read, or its revision is not trusted; the last good revision stays in force.

    Attributes:
        cause: Which of the known causes it is.
        revision: The revision that is not trusted, when git could be read.
    """

    def __init__(self, cause: SourceCause, message: str, revision: str | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.revision = revision


class TargetError(ReconcilerError):
    """WizChat could not be asked, or said no."""


class TargetUnreachable(TargetError):
    """No connection, no complete answer, or a server error."""


class TargetUnauthorized(TargetError):
    """The key is refused."""


class AnotherAccount(TargetUnauthorized):
    """The key is of an account that has none of the chatbots."""


class ScopeMissing(TargetError):
    """The key lacks a scope.

    Attributes:
        scope: The scope that is needed, such as ``skills:read``, when WizChat names it.
    """

    def __init__(self, message: str, scope: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope


class ChatbotNotFound(TargetError):
    """There is no such chatbot, or the key may not see it."""


class ChatbotHidden(ChatbotNotFound):
    """The key may not use this chatbot."""


class TargetRateLimited(TargetError):
    """WizChat asks to slow down.

    Attributes:
        retry_after: Seconds to wait, when WizChat names them.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaExceeded(TargetRateLimited):
    """The key's daily quota is used up."""


class RequestRefused(TargetError):
    """WizChat refused the request for a reason of its own."""


class BadAnswer(TargetError):
    """An answer that cannot be read."""


class StoreError(ReconcilerError):
    """The database is not usable as it is."""


class Conflict(ReconcilerError):
    """What was asked no longer fits what is.

    Attributes:
        code: The stable code of the problem document.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotFound(ReconcilerError):
    """What was asked for does not exist."""


class NotKept(NotFound):
    """There is no run, plan or apply of this id, or not any more."""

    def __init__(self, kind: str, id_: str) -> None:
        setting = "data.runs" if kind == "run" else "data.plans"
        super().__init__(f"there is no {kind} {id_!r}, or it is no longer kept: what ended goes after {setting}")


class Forbidden(ReconcilerError):
    """The person may not do this."""


class LoginRefused(ReconcilerError):
    """Somebody may not sign in.

    Attributes:
        code: Why, for the audit log: stable, and without anything that was sent.
        noted: Whether the audit log says it already.
    """

    def __init__(self, code: str, message: str, *, is_audited: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.noted = is_audited


def _restored(kind: type[ReconcilerError], args: tuple[object, ...]) -> ReconcilerError:
    return kind.__new__(kind, *args)
