"""Who commits are by: what git knows of the person, asked as a commit would ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from branchwork.git import command

_NEVER_GUESS = ("-c", "user.useConfigOnly=true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A name and an address, as in `Ada <ada@example.org>`.

    `guessed`: nobody set them, git made them up from the user's account and the machine's name.
    """

    text: str
    guessed: bool


def committer(directory: Path, environment: Mapping[str, str]) -> Identity | None:
    """Who a commit in the directory would be by; None where git would refuse to commit."""
    for options, guessed in ((_NEVER_GUESS, False), ((), True)):
        arguments = (*options, "var", "GIT_COMMITTER_IDENT")
        asked = command.hooked(command.direct, environment, directory, *arguments)
        if asked.code == 0:
            # Behind the address stand the time and its zone.
            return Identity(
                text=command.text(asked.stdout).rpartition(">")[0] + ">", guessed=guessed
            )
    return None


def version(environment: Mapping[str, str]) -> tuple[int, ...]:
    """The version of the git on the PATH of an environment, which makes commits and merges."""
    asked = command.hooked(command.direct, environment, Path("/"), "--version")
    return command.numbers(command.text(asked.stdout))
