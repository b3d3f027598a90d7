"""Errors of an agent: which of them mean that a person has to log in, and how they read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from branchwork.agents.acp import wire

AUTHENTICATION_REQUIRED = -32000
LOGIN = re.compile(
    r"auth(entication|orization)?[ _](is )?required"
    r"|not (logged|signed) in|please (log|sign) ?in|(log|sign)[ -]?in (is )?required"
    r"|not authenticated|invalid api key|api key (is )?(missing|required|not (valid|set|found))",
    re.IGNORECASE,
)


def wants_login(text: str) -> bool:
    """The text says that the agent has no key or no login."""
    return LOGIN.search(text) is not None


def reason(fault: wire.Fault) -> str:
    """The word for programs."""
    if fault.code == AUTHENTICATION_REQUIRED or wants_login(fault.text):
        return "needsLogin"
    return "agentError"


def login_sentence(said: str, methods: Sequence[Mapping[str, Any]], hint: str = "") -> str:
    """What the person has to do, by what the agent offers and by what its description says."""
    ways = "; ".join(way for way in map(_way, methods) if way)
    parts = [f"The agent needs a login: {said.rstrip('. ')}."]
    if hint:
        parts.append(hint)
    if ways:
        parts.append(f"It offers: {ways}.")
    if not hint and not ways:
        parts.append("Log in with the agent's own command in a terminal, then start again.")
    return " ".join(parts)


def _way(method: Mapping[str, Any]) -> str:
    name = wire.text(method.get("name")) or wire.text(method.get("id")) or ""
    description = wire.text(method.get("description")) or ""
    said = f"{name} ({description})" if name and description else name or description
    return " ".join(said.split())[:200]
