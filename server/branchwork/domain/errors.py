"""Every error that a person can cause or has to know about.

BranchworkError
    InvalidInput
    NotFound
    Conflict
        IllegalTransition
        RevisionMismatch
    NotARepository
    AgentUnavailable
    AgentFailed
    GitFailed
    StorageFailed
        StorageFull
    DaemonLost

The message is a sentence for that person and says what to do; `kind` is for programs and stays
the same for ever; `ids` names what it is about. `lsp/errors.py` maps the classes to codes.
"""

from typing import ClassVar


class BranchworkError(Exception):
    """The base of every error that may reach an editor."""

    kind: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, sentence: str, *, kind: str | None = None, **ids: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.reason = kind or type(self).kind
        self.ids = ids


class InvalidInput(BranchworkError):
    """A value that can't be used; `field` in `ids` names it where there is one."""

    kind = "invalidInput"


class NotFound(BranchworkError):
    """Nothing has that id."""

    kind = "notFound"


class Conflict(BranchworkError):
    """It can't be done as things stand; `reason` says which way."""

    kind = "conflict"


class IllegalTransition(Conflict):
    """A status may not become that one."""

    kind = "illegalTransition"


class RevisionMismatch(Conflict):
    """Somebody else edited it since the caller read it."""

    kind = "contentModified"


class NotARepository(BranchworkError):
    """A path that is no git repository that can be worked on."""

    kind = "notARepository"


class AgentUnavailable(BranchworkError):
    """The agent can't be started: unknown, not installed, or not logged in."""

    kind = "agentUnavailable"


class AgentFailed(BranchworkError):
    """The agent answered with an error or broke its protocol."""

    kind = "agentFailed"


class GitFailed(BranchworkError):
    """A git command failed in a way that nobody foresaw."""

    kind = "gitFailed"


class StorageFailed(BranchworkError):
    """The data folder or its database can't be used."""

    kind = "storageFailed"


class StorageFull(StorageFailed):
    """No space left where the data folder lies."""

    kind = "storageFull"
    retryable = True


class DaemonLost(BranchworkError):
    """The daemon went away while it had the request; sending it again is safe to try."""

    kind = "daemonLost"
    retryable = True
