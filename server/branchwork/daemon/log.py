"""The daemon's own log, for whoever looks for a fault; values of environments never get here."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

_BYTES, _KEPT = 5 << 20, 3


def set_up(data: str) -> None:
    """Log to `<data>/log/daemon.log`."""
    handler = RotatingFileHandler(
        Path(data, "log", "daemon.log"), maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8"
    )
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # pygls logs whole messages at lower levels: file contents, and what editors say of themselves.
    logging.getLogger("pygls").setLevel(logging.WARNING)
