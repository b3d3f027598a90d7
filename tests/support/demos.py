"""Runs `branchwork demo` as a person would, in folders of its own."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support import tagged

COMMAND = (str(Path(sys.executable).with_name("branchwork")), "demo")
SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What a demo must not leave behind; empty is false."""

    at_home: list[Path]
    temporary: list[Path]
    pids: list[int]

    def __bool__(self) -> bool:
        return bool(self.at_home or self.temporary or self.pids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A demo that has ended."""

    code: int
    output: str
    errors: str
    leftovers: Leftovers


class Demo:
    """A place to run it in; every process of it carries a tag."""

    def __init__(self, root: Path, command: tuple[str, ...] = COMMAND) -> None:
        self.home, self.temporary, self._tag = root / "home", root / "tmp", tagged.new()
        self._command = command
        self.home.mkdir(parents=True)
        self.temporary.mkdir()
        self._env = {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            tagged.TAG: self._tag,
        }

    def run(self, *arguments: str, **variables: str) -> Ended:
        """From the first line to the last."""
        return self.wait(self.start(*arguments, **variables))

    def run_until(self, word: str, number: signal.Signals, *arguments: str) -> Ended:
        """Until it has said that word, and then the signal."""
        child = self.start(*arguments)
        assert child.stdout is not None, "it was asked for"
        said = ""
        while word not in said and (line := child.stdout.readline()):
            said += line
        child.send_signal(number)
        ended = self.wait(child, said)
        assert word in said, (said, ended.errors)
        return ended

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """One that goes on meanwhile."""
        return subprocess.Popen(
            [*self._command, *arguments],
            env={**self._env, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            # A shell that runs the tests in the background has Ctrl-C ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def wait(self, child: "subprocess.Popen[str]", said: str = "") -> Ended:
        """Until it has ended, with what was read of it before."""
        output, errors = child.communicate(timeout=SECONDS)
        return Ended(
            code=child.returncode,
            output=said + output,
            errors=errors,
            leftovers=self.leftovers(),
        )

    def leftovers(self) -> Leftovers:
        """What is there now."""
        return Leftovers(
            at_home=list(self.home.rglob("*")),
            temporary=list(self.temporary.iterdir()),
            pids=list(tagged.pids(self._tag)),
        )

    def end(self) -> None:
        """Kills what a failed test has left."""
        tagged.end(self._tag)
