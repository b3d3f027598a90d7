"""`branchwork demo`: the main job from a selection to a merged branch, on a real repository."""

import argparse
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from branchwork import endpoint
from branchwork.cli import demo_place
from branchwork.cli.demo_place import Place
from branchwork.cli.demo_story import Story
from branchwork.cli.demo_watch import StepFailed
from branchwork.cli.terminal import Terminal
from branchwork.client.errors import ClientError, RequestFailed
from branchwork.domain.errors import BranchworkError

INTERRUPTED = 130
FAILED = 1
INTERNAL_ERROR = -32603
LOG_LINES = 40
SCRIPTED = "SCRIPTED"


def run(argv: list[str]) -> int:
    """Do the main job in a folder of its own, say what happens, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="branchwork demo", description=run.__doc__)
    parser.add_argument(
        "--agent",
        metavar="NAME",
        default=SCRIPTED,
        help="a real agent, such as claude-acp or CODEX; without it a small scripted one works, "
        "which needs no key and no network",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything there to look at")
    options = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    # A terminal that lacks a character gets a question mark, and no traceback.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    return _in_a_place(Terminal(sys.stdout), options.agent, keep=options.keep)


def _in_a_place(terminal: Terminal, agent: str, *, keep: bool) -> int:
    place = demo_place.make()
    # A demo that is run from a hook of git must not work on that repository.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    story = Story(place, terminal, {**environ, **place.variables}, agent)
    try:
        code = _tell(story, terminal, place, keep=keep)
    finally:
        # From here on nothing may stop us: what was started has to end.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        left = _end(story, place, keep=keep)
    with suppress(BrokenPipeError):
        _say_what_is_left(terminal, place, left, keep=keep)
    return FAILED if left else code


def _tell(story: Story, terminal: Terminal, place: Place, *, keep: bool) -> int:
    try:
        terminal.title("Branchwork: from a selection to a merged branch")
        terminal.say(f"Everything lies in {place.root}" + ("." if keep else ", until the end."))
        story.tell()
    except BrokenPipeError:
        return FAILED
    except (StepFailed, ClientError, BranchworkError, endpoint.DataFolderUnusable, OSError) as why:
        terminal.end_live()
        _say_what_failed(story.step, why, place, keep=keep)
        return FAILED
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            terminal.say("Interrupted.")
        return INTERRUPTED
    return 0


def _say_what_failed(step: int, why: Exception, place: Place, *, keep: bool) -> None:
    print(f"\nStep {step} failed: {why}", file=sys.stderr)
    if isinstance(why, RequestFailed) and why.code == INTERNAL_ERROR:
        # Nobody can look at it when the folder is gone.
        with suppress(OSError):
            lines = place.log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
            print("\n".join(["The end of the daemon's log:", *lines]), file=sys.stderr)
    if not keep:
        print("With --keep the folder stays, and the daemon's log in it.", file=sys.stderr)


def _end(story: Story, place: Place, *, keep: bool) -> list[int]:
    """The pids that would not go, which is none."""
    story.close()
    left = demo_place.end_processes(place)
    if not keep:
        try:
            demo_place.remove(place)
        except OSError as why:
            print(f"{place.root} could not be removed: {why.strerror}.", file=sys.stderr)
    return left


def _say_what_is_left(terminal: Terminal, place: Place, left: list[int], *, keep: bool) -> None:
    terminal.say("")
    if left:
        print(f"These processes did not end: {', '.join(map(str, left))}.", file=sys.stderr)
    if not keep:
        terminal.say("The daemon has ended and the folder is gone: nothing of ours is left.")
        return
    terminal.say("The daemon has ended. What was made is still there:")
    for name, path in (
        ("repository", place.repository),
        ("worktree", place.worktrees),
        ("data and log", place.data),
    ):
        terminal.exactly(f"{name:13} {path}")
    terminal.say("An editor started with these variables goes on where the demo stopped:")
    terminal.exactly("\n".join(f"{name}={value}" for name, value in place.variables.items()))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
