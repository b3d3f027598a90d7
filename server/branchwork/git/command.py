"""The one place that starts git; every other module here asks through it.

Two ways in: `output` and its short forms for what only reads or writes our own refs (nothing that
a repository configures may run), and `hooked` for what runs the user's hooks, filters or signing.
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from branchwork.domain.errors import GitFailed, InvalidInput, NotARepository

SECONDS = 120
MINIMUM = (2, 38)
SHOWN_OUTPUT = 64 * 1024

# A repository's configuration must not make us run its programs.
_HARMLESS = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "diff.external=",
    "-c",
    "log.showSignature=false",
    "-c",
    "credential.helper=",
)
# GIT_ALLOW_PROTOCOL stops a partial clone from fetching what it lacks: that would run ssh or
# whatever else the repository names for its remote.
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ASKPASS": "true",
    "LC_ALL": "C",
}
IDENTITY = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"}


class CommandFailed(GitFailed):
    """A git command that ended with an exit code nobody foresaw."""

    def __init__(
        self,
        sentence: str,
        *,
        kind: str | None = None,
        argv: Sequence[str],
        exit_code: int,
        stderr: str,
        **ids: object,
    ) -> None:
        # What goes to an editor may hold no half characters, and not megabytes of a hook's output.
        self.argv = tuple(text(os.fsencode(argument)) for argument in argv)
        self.exit_code = exit_code
        self.stderr = stderr[-SHOWN_OUTPUT:]
        facts = {"argv": list(self.argv), "exitCode": exit_code, "stderr": self.stderr}
        super().__init__(sentence, kind=kind, **facts, **ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a command that has ended left behind.

    A runner that keeps lines may end the last one with a newline that was never printed.
    """

    stdout: bytes
    stderr: bytes
    code: int


class Runner(Protocol):
    """Runs a command that may run the user's programs; the caller decides under which limits."""

    def __call__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Completed: ...


def direct(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Completed:
    """The plain runner: a child of this process, without a time limit."""
    ended = subprocess.run(
        argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return Completed(stdout=ended.stdout, stderr=ended.stderr, code=ended.returncode)


def output(
    directory: Path,
    *arguments: str,
    codes: Sequence[int] = (0,),
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Runs git without hooks, helpers and locks; an exit code outside `codes` raises."""
    added = {**_QUIET, **(env or {})}
    argv = _argv(directory, added, arguments)
    # Late, because it takes a tenth of a second, and because it fails where there is no git.
    from git.cmd import Git
    from git.exc import GitCommandNotFound

    with tempfile.TemporaryFile() as given:
        given.write(stdin or b"")
        given.seek(0)
        try:
            code, stdout, stderr = Git(os.sep).execute(
                argv,
                istream=given,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=SECONDS,
                env=added,
            )
        except GitCommandNotFound as error:
            raise _missing() from error
    errors = stderr.encode("utf-8", "surrogateescape")
    completed = Completed(stdout=bytes(stdout or b""), stderr=errors, code=code)
    if code not in codes:
        _require_folder(directory)
        fail(("git", *arguments), completed)
    return completed


def bounded(
    directory: Path, *arguments: str, limit: int, env: Mapping[str, str] | None = None
) -> bytes:
    """The first bytes of what git prints: one more than `limit` when there is more."""
    added = {**_QUIET, **(env or {})}
    argv = _argv(directory, added, arguments)
    from git.cmd import Git

    process = Git(os.sep).execute(argv, as_process=True, env=added)
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    try:
        stdout = process.stdout.read(limit + 1)
        if len(stdout) > limit:
            process.kill()
        _, stderr = process.communicate()
    finally:
        watchdog.cancel()
    completed = Completed(stdout=stdout, stderr=stderr, code=process.returncode)
    if completed.code and len(stdout) <= limit:
        _require_folder(directory)
        fail(("git", *arguments), completed)
    return completed.stdout


def read(directory: Path, *arguments: str, codes: Sequence[int] = (0,)) -> bytes:
    """What git prints, as it is."""
    return output(directory, *arguments, codes=codes).stdout


def line(directory: Path, *arguments: str, codes: Sequence[int] = (0,)) -> str:
    """The one line that git prints; empty when it prints none."""
    return text(output(directory, *arguments, codes=codes).stdout).removesuffix("\n")


def succeeds(directory: Path, *arguments: str) -> bool:
    """Whether git answers yes (0) rather than no (1)."""
    return output(directory, *arguments, codes=(0, 1)).code == 0


def hooked(
    runner: Runner,
    env: Mapping[str, str],
    directory: Path,
    *arguments: str,
    extra: Mapping[str, str] | None = None,
) -> Completed:
    """Runs git as the user would, in the given environment; the caller looks at the exit code."""
    argv = (_executable(env.get("PATH")), *arguments)
    return runner(argv, directory.absolute(), {**environment(env), **(extra or {})})


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, without another git's variables and without questions or editors."""
    kept = {
        name: value
        for name, value in env.items()
        if not name.startswith("GIT_") or name in IDENTITY
    }
    # Recovery after a restart has no editor's environment yet, but git needs a home and a path.
    own = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    return {
        **own,
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "true",
        "GIT_SEQUENCE_EDITOR": "true",
        # English messages without touching the character set that hooks may need.
        "LANGUAGE": "C",
    }


def fail(argv: Sequence[str], completed: Completed) -> NoReturn:
    """Raises the typed error for a command that failed."""
    stderr = text(completed.stderr).strip()
    shown = " ".join(_verb(argv))
    last = stderr.splitlines()[-1] if stderr else f"exit code {completed.code}"
    if "Timeout: the command" in stderr:
        sentence = f"`{shown}` did not end within {SECONDS} s and was stopped."
        raise CommandFailed(
            sentence, kind="gitTimedOut", argv=argv, exit_code=completed.code, stderr=""
        )
    raise CommandFailed(
        f"`{shown}` failed: {last}", argv=argv, exit_code=completed.code, stderr=stderr
    )


def _verb(argv: Sequence[str]) -> Sequence[str]:
    """The command's name, without the options before it: `git worktree`."""
    rest = iter(argv[1:])
    for argument in rest:
        if argument == "-c":
            next(rest, None)
        elif not argument.startswith("-"):
            return ("git", argument)
    return ("git",)


def without_local_programs(directory: Path) -> dict[str, str]:
    """Variables that switch off filters and merge drivers named by the repository itself.

    Reading a worktree would run them. Those in the user's own configuration (git-lfs) stay.
    """
    pattern = r"^(filter|merge)\..*\.(clean|smudge|process|required|driver)$"
    found = read(directory, "config", "--show-scope", "-z", "--get-regexp", pattern, codes=(0, 1))
    parts = text(found).split("\0")
    of_user: dict[str, str] = {}
    of_repository: list[str] = []
    for scope, setting in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = setting.partition("\n")
        if scope in ("local", "worktree"):
            of_repository.append(key)
        else:
            of_user[key] = value
    safe = {key: of_user.get(key, _off(key)) for key in of_repository}
    variables = {"GIT_CONFIG_COUNT": str(len(safe))} if safe else {}
    for number, (key, value) in enumerate(safe.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def names_merge_drivers(directory: Path) -> bool:
    """Whether any configuration, the user's included, names a program that merges files."""
    return succeeds(directory, "config", "--name-only", "--get-regexp", r"^merge\..*\.driver$")


def _off(key: str) -> str:
    # An empty driver would count as a clean merge; `false` makes it a conflict.
    return "false" if key.endswith((".driver", ".required")) else ""


def text(raw: bytes) -> str:
    """Text for messages and ids: never raises, never holds half a character."""
    return raw.decode("utf-8", "replace")


def version() -> tuple[int, ...]:
    """The version of the git that will be used."""
    return numbers(line(Path(os.sep), "--version"))


def numbers(words: str) -> tuple[int, ...]:
    """The first version in what a program says of itself; none where there is none."""
    found = re.search(r"(\d+(?:\.\d+)+)", words)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def require(minimum: tuple[int, ...] = MINIMUM) -> None:
    """Refuses a git that is too old, and says what to do."""
    found = version()
    if found[: len(minimum)] < minimum:
        wanted, present = (".".join(map(str, numbers)) for numbers in (minimum, found))
        raise GitFailed(
            f"git {present} is too old: install git {wanted} or newer and start again.",
            kind="gitTooOld",
            version=present,
            minimum=wanted,
        )


def _require_folder(directory: Path) -> None:
    """A repository that was moved or removed is told as such, not by git's words."""
    if not directory.is_dir():
        raise NotARepository(
            f"The folder {text(os.fsencode(directory))} is gone. If the repository was moved, tell "
            "its new path.",
            kind="pathNotFound",
            path=text(os.fsencode(directory)),
        )


def _argv(directory: Path, added: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
    if any("\0" in argument for argument in arguments):
        raise InvalidInput("A name with a zero byte in it can't be used.", kind="notText")
    # Not by the working directory: GitPython falls back to our own when it can't be entered.
    where = ("-C", str(directory.absolute()))
    return [*_scrubbed(added), _executable(), *where, *_HARMLESS, *arguments]


@functools.cache
def _env_program() -> str:
    return shutil.which("env") or "/usr/bin/env"


def _scrubbed(added: Mapping[str, str]) -> tuple[str, ...]:
    """`env -u …` where our own environment carries another git's variables.

    GitPython's command interface can add variables to a child's environment but not remove any.
    """
    foreign = {name for name in os.environ if name.startswith("GIT_")} - IDENTITY - added.keys()
    if not foreign:
        return ()
    return (_env_program(), *(part for name in sorted(foreign) for part in ("-u", name)))


def _executable(search_path: str | None = None) -> str:
    found = shutil.which("git", path=search_path)
    if found is None:
        raise _missing()
    return found


def _missing() -> GitFailed:
    return GitFailed("git was not found: install it, or put it on the PATH.", kind="gitMissing")
