"""What a look at something gives: how it is, in a sentence, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class CheckStatus(StrEnum):
    """`info` is neither good nor bad; a `warning` will be missed one day, an `error` is now."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Never holds a secret: no value of an environment, no token."""

    id: str
    group: str
    status: CheckStatus
    sentence: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Makes the checks under one heading."""

    name: str

    def ok(self, id: str, sentence: str) -> Check:
        """As it should be."""
        return self._check(id, CheckStatus.OK, sentence, None)

    def info(self, id: str, sentence: str, advice: str | None = None) -> Check:
        """Good to know."""
        return self._check(id, CheckStatus.INFO, sentence, advice)

    def warning(self, id: str, sentence: str, advice: str | None = None) -> Check:
        """It works, but not all of it, or not for long."""
        return self._check(id, CheckStatus.WARNING, sentence, advice)

    def error(self, id: str, sentence: str, advice: str | None = None) -> Check:
        """It does not work."""
        return self._check(id, CheckStatus.ERROR, sentence, advice)

    def unknown(self, id: str, what: str, error: OSError) -> Check:
        """It could not be looked at."""
        return self.warning(id, f"{what} could not be looked at: {error.strerror or error}.")

    def _check(self, id: str, status: CheckStatus, sentence: str, advice: str | None) -> Check:
        return Check(id=id, group=self.name, status=status, sentence=sentence, advice=advice)


def is_there(path: Path) -> bool:
    """Also where we may not look: then it is not there for us."""
    try:
        path.stat()
    except OSError:
        return False
    return True
