"""Whose environment a run gets. In memory only: an environment holds secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_REMOVED = ("VSCODE_", "ELECTRON_", "NVIM")
_REMOVED_NAMES = {"CLAUDECODE", "BRANCHWORK_EXECUTION"}
_IDENTITY = {
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_SSH_COMMAND",
}


def cleaned(environment: Mapping[str, str]) -> dict[str, str]:
    """An editor's environment without what belongs to the editor or to a git that runs it."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(_REMOVED)
        and name not in _REMOVED_NAMES
        and (not name.startswith("GIT_") or name in _IDENTITY)
    }


@dataclass(slots=True, kw_only=True, eq=False)
class Source:
    """A connection that can lend its environment to runs in the repos below its roots."""

    environment: Mapping[str, str] = field(repr=False)
    roots: tuple[Path, ...] = ()


@dataclass(slots=True)
class Environments:
    """The environments of the connections that are open, and of the runs that were asked for."""

    sources: list[Source] = field(default_factory=list)
    _of_plan: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def bind(self, plan_id: str, environment: Mapping[str, str]) -> None:
        """Give a run the environment of whoever asked for it."""
        self._of_plan[plan_id] = cleaned(environment)

    def of_plan(self, plan_id: str) -> Mapping[str, str] | None:
        """The environment that a run was bound to; None after a restart of the daemon."""
        return self._of_plan.get(plan_id)

    def forget(self, plan_id: str) -> None:
        """The run is over."""
        self._of_plan.pop(plan_id, None)

    def for_paths(self, paths: Sequence[Path]) -> Mapping[str, str] | None:
        """The environment of the newest connection that has one of the paths, or a part of it,
        open."""
        for source in reversed(self.sources):
            if any(_touch(path, root) for path in paths for root in source.roots):
                return cleaned(source.environment)
        return None


def _touch(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) or root.is_relative_to(path)
