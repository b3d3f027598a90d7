"""Session: one start of an agent, or one follow-up, in a workspace."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`conversation_id` is the id of the first session of a chain of follow-ups."""

    id: str
    workspace_id: str
    conversation_id: str
    executor: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPrompt:
    """A message that waits for its turn; `held_because` says why it is not sent by itself."""

    id: str
    conversation_id: str
    position: int
    prompt: str
    held_because: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1
