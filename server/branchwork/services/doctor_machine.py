"""The doctor's look at the machine: what ends processes in the background, and agents with them."""

import os
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from branchwork.services.checks import Check, Group, is_there

MACHINE = Group("Machine")

# Where systemd looks, the strongest last; of one folder's files the last in order.
_LOGIND = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
_TRUE = {"1", "yes", "y", "true", "t", "on"}
_CONTAINER_MARKS = (".dockerenv", "run/.containerenv", "run/systemd/container")
_CONTAINER_GROUPS = re.compile(r"/(?:docker|lxc|kubepods|libpod|containerd)\b")
_OWN_SESSION = "Start your editor by `systemd-run --user --scope` and run `loginctl enable-linger`"


def look(system: Path = Path("/")) -> list[Check]:
    """What is known to end processes here; `system` is the root of the file system."""
    found = [*_logout(system), *_wsl(system), *_container(system)]
    return found or [MACHINE.ok("background", "Nothing here is known to end agents early.")]


def user() -> str:
    """Whom logind knows as ours; empty for a uid without a name, as in some containers."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def _logout(system: Path) -> Iterator[Check]:
    """What systemd's logind does to us when the person logs out."""
    groups = _text(system / "proc/self/cgroup")
    person = user()
    if re.search(r"/user@\d+\.service", groups):
        if not is_there(system / "var/lib/systemd/linger" / person):
            yield MACHINE.warning(
                "linger",
                "systemd ends the daemon and the agents with your last session: they run in it.",
                "Run `loginctl enable-linger`.",
            )
    elif re.search(r"/session-[^/]+\.scope", groups) and _kills(_logind(system), person):
        yield MACHINE.warning(
            "logind",
            "logind ends the daemon and the agents when you log out (KillUserProcesses=yes).",
            f"{_OWN_SESSION}, or set KillUserProcesses=no in /etc/systemd/logind.conf.",
        )


def _kills(settings: Mapping[str, str], person: str) -> bool:
    if settings.get("KillUserProcesses", "").lower() not in _TRUE:
        return False
    only = settings.get("KillOnlyUsers", "").split()
    return person not in settings.get("KillExcludeUsers", "root").split() and (
        not only or person in only
    )


def _logind(system: Path) -> dict[str, str]:
    """The settings of logind's files, of which a stronger folder's replaces a weaker's."""
    folders = [system / folder for folder in _LOGIND]
    main = [file for folder in folders if is_there(file := folder / "logind.conf")]
    more = [file for folder in folders for file in (folder / "logind.conf.d").glob("*.conf")]
    by_name = {file.name: file for file in more}
    settings: dict[str, str] = {}
    for file in (*main[-1:], *(by_name[name] for name in sorted(by_name))):
        for line in _text(file).splitlines():
            name, equals, value = line.partition("=")
            if equals and not name.lstrip().startswith(("#", ";")):
                settings[name.strip()] = value.strip()
    return settings


def _wsl(system: Path) -> Iterator[Check]:
    if "microsoft" in _text(system / "proc/version").lower():
        yield MACHINE.info(
            "wsl",
            "This is WSL: Windows ends it with its last window, and the agents with it.",
            "Keep a terminal of it open while agents work.",
        )


def _container(system: Path) -> Iterator[Check]:
    marked = any(is_there(system / mark) for mark in _CONTAINER_MARKS)
    if marked or _CONTAINER_GROUPS.search(_text(system / "proc/1/cgroup")):
        yield MACHINE.info(
            "container",
            "This is a container: agents end when it is stopped.",
            "Keep the data folder and the worktrees on a volume, or they go with it.",
        )


def _text(file: Path) -> str:
    """Empty where there is no such file."""
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""
