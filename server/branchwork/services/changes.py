"""What changed since a client last looked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from branchwork.domain.change import Change
from branchwork.services.app import App
from branchwork.store import changes
from branchwork.store.transaction import Transaction

KEPT_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The changes behind a seq, or `gap` when a client has to read everything again."""

    epoch: str
    seq: int
    changes: tuple[Change, ...]
    gap: bool


async def since(app: App, epoch: str, seq: int, limit: int = 1000) -> Since:
    """At most `limit` changes; `seq` of the answer is the one to ask with next."""

    return await app.store.read(lambda tx: _since(tx, app.store.epoch, epoch, seq, limit))


async def trim(app: App) -> None:
    """Forget changes that are too old or too many."""
    moment = datetime.now(tz=UTC) - timedelta(days=KEPT_DAYS)
    before = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    await app.store.write(lambda tx: changes.trim(tx, before))


def _since(tx: Transaction, epoch: str, asked: str, seq: int, limit: int) -> Since:
    head = changes.head(tx)
    if asked != epoch or seq > head or seq < changes.oldest(tx) - 1:
        return Since(epoch=epoch, seq=head, changes=(), gap=True)
    found = tuple(changes.since(tx, seq, limit))
    return Since(epoch=epoch, seq=found[-1].seq if found else seq, changes=found, gap=False)
