"""Work-done progress of one connection, without the tokens of work that is over."""

from typing import Any

from lsprotocol import types
from pygls.progress import Progress


class WorkDoneProgress(Progress):
    """pygls keeps every token for ever; this one forgets a token at its end."""

    def end(self, token: types.ProgressToken, value: types.WorkDoneProgressEnd) -> Any:
        super().end(token, value)
        self.tokens.pop(token, None)
