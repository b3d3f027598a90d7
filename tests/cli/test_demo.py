"""The demo as a person runs it: each step is told, and nothing is left behind."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from branchwork import endpoint
from branchwork.cli import demo_place
from branchwork.cli.demo_place import Place
from support.demos import Demo, Ended

STEPS = {
    "A repository to work on": ["$ git log", "Prices of a small shop"],
    "An editor, and the daemon behind it": ["`branchwork lsp`", "one was started"],
    "A task, made from a selection": [
        '- Create task: "the average of an empty cart is 0"',
        "There is a task now",
    ],
    "An agent, in a worktree and on a branch of its own": [
        "[progress] making the worktree",
        "SCRIPTED works",
        "branch ",
    ],
    "Its log, as it comes, and its question": [
        "[read] Read prices.py: done",
        "The agent waits for a person: Write prices.py?",
        "Answered: Allow",
        "It is done",
    ],
    "A follow-up in the same conversation": [
        "-- session resumed",
        "[edit] Write CHANGELOG.md: done",
        "It is done",
    ],
    "What the agent changed": [
        "2 files, 2 lines added, 0 removed",
        "+# the average of an empty cart is 0",
        "+- The average of an empty cart is 0",
    ],
    "The merge": ["2 commits become one on main", "Merged into main", "The task is Done"],
    "What is there now": ["2 files changed, 2 insertions(+)", "$ git status --short"],
}


def steps(output: str) -> dict[str, str]:
    """Each numbered heading with the text below it."""
    parts = re.split(r"^ ?(\d+)  (.+)$", output, flags=re.M)
    assert parts[1::3] == [str(number) for number in range(1, len(parts) // 3 + 1)]
    return dict(zip(parts[2::3], parts[3::3], strict=True))


def test_it_goes_from_a_selection_to_a_merged_branch(told: Ended) -> None:
    assert told.code == 0, told.output + told.errors
    assert list(steps(told.output)) == list(STEPS)
    assert told.errors == ""


@pytest.mark.parametrize("title", STEPS)
def test_each_step_says_what_happened(told: Ended, title: str) -> None:
    text = " ".join(steps(told.output)[title].split())

    for said in STEPS[title]:
        assert " ".join(said.split()) in text


def test_nothing_is_left_behind(told: Ended) -> None:
    assert not told.leftovers
    assert "nothing of ours is left" in told.output


def test_it_is_plain_text_and_fits_eighty_columns(told: Ended) -> None:
    assert "\x1b" not in told.output
    assert [line for line in told.output.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("word", ["Started `branchwork lsp`", "The agent waits for a person"])
def test_an_interrupted_demo_leaves_nothing(demo: Demo, word: str, number: signal.Signals) -> None:
    ended = demo.run_until(word, number)

    assert ended.code == 130
    assert "Interrupted." in ended.output
    assert not ended.leftovers


def test_an_agent_that_is_not_known_is_named_with_those_that_are(demo: Demo) -> None:
    ended = demo.run("--agent", "nobody")

    assert ended.code == 1
    assert "Step 4 failed: There is no agent 'nobody'." in ended.errors
    assert "claude-acp (CLAUDE_CODE)" in ended.errors
    assert not ended.leftovers


def test_without_git_the_first_step_says_what_to_install(demo: Demo, tmp_path: Path) -> None:
    ended = demo.run(PATH=str(tmp_path))

    assert ended.code == 1
    assert "Step 1 failed" in ended.errors
    assert "git" in ended.errors
    assert not ended.leftovers


def test_a_reader_that_goes_away_ends_it(demo: Demo) -> None:
    child = demo.start()
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()

    assert demo.wait(child).code != 0
    assert not demo.leftovers()


def test_what_is_kept_is_named_and_nothing_runs(demo: Demo) -> None:
    ended = demo.run("--keep")

    assert ended.code == 0, ended.errors
    assert ended.leftovers.pids == []
    assert ended.leftovers.at_home == []
    [place] = ended.leftovers.temporary
    assert str(place / "shop") in ended.output
    assert "average of an empty cart" in _log(place / "shop")
    assert list((place / "worktrees").iterdir())
    assert f"BRANCHWORK_DATA_DIR={place / 'data'}" in ended.output


def test_the_persons_own_git_configuration_does_not_matter(demo: Demo) -> None:
    hooks = demo.home / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (demo.home / ".gitconfig").write_text(
        f"[core]\nhooksPath = {hooks}\nautocrlf = true\n[commit]\ngpgSign = true\n"
        "[init]\ndefaultBranch = trunk\n[color]\nui = always\n[log]\ndecorate = full\n"
    )

    assert demo.run(GIT_DIR="/nowhere", BRANCHWORK_DATA_DIR="/nowhere").code == 0


def test_a_long_folder_for_temporary_files_is_no_problem(tmp_path: Path) -> None:
    demo = Demo(tmp_path / ("very long " * 20))

    ended = demo.run()

    demo.end()
    assert ended.code == 0, ended.output + ended.errors
    assert not ended.leftovers


def test_sockets_that_had_to_be_elsewhere_are_removed_too(tmp_path: Path) -> None:
    place = Place(root=tmp_path / ("long " * 20))
    elsewhere = Path(endpoint.run_dir(str(place.data)))
    assert not elsewhere.is_relative_to(tmp_path)

    demo_place.remove(place)

    assert not place.root.exists()
    assert not elsewhere.exists()


def _log(repository: Path) -> str:
    return subprocess.run(
        ["git", "log", "--format=%s"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout
