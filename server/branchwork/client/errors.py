"""What can go wrong between a client and the server; each says so in a sentence for a person."""

from typing import Any


class ClientError(Exception):
    """The base: catch this one to tell a person."""


class CannotStart(ClientError):
    """The server's command can't be run, or no daemon listens."""


class ServerGone(ClientError):
    """The server ended, or closed the connection."""


class BadMessage(ClientError):
    """The server said something that is no message, or not what its protocol promises."""


class TookTooLong(ClientError):
    """No answer, or nothing of what was waited for, in the given time."""


class RequestFailed(ClientError):
    """The server answered a request with an error.

    `kind` is a word for programs; `retryable` says that the same request may work later.
    """

    def __init__(self, method: str, code: int, message: str, data: dict[str, Any]) -> None:
        super().__init__(message)
        self.method = method
        self.code = code
        self.data = data

    @property
    def kind(self) -> str | None:
        kind = self.data.get("kind")
        return kind if isinstance(kind, str) else None

    @property
    def retryable(self) -> bool:
        return self.data.get("retryable") is True
