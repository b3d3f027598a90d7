"""A repository's configuration must not make a command that only reads run a program."""

from collections.abc import Callable
from pathlib import Path

import pytest

from branchwork.git import (
    branches,
    command,
    diffs,
    merges,
    nested,
    repositories,
    snapshots,
    targets,
    worktrees,
)
from support.git_repos import GitRepo

READS: dict[str, Callable[[Path, str], object]] = {
    "discover": lambda place, _: repositories.discover(place),
    "status": lambda place, _: repositories.status(place),
    "head_commit": lambda place, _: repositories.head_commit(place),
    "ahead_behind": lambda place, _: repositories.ahead_behind(place, "task", "main"),
    "is_ancestor": lambda place, base: repositories.is_ancestor(place, base, "task"),
    "listed branches": lambda place, _: branches.listed(place),
    "checked_out_at": lambda place, _: branches.checked_out_at(place, "task"),
    "default": lambda place, _: branches.default(place),
    "listed worktrees": lambda place, _: worktrees.listed(place),
    "prune": lambda place, _: worktrees.prune(place),
    "files": lambda place, base: diffs.files(place, base, "task"),
    "worktree_files": lambda place, base: diffs.worktree_files(place, base),
    "patch": lambda place, base: diffs.patch(place, base, "task"),
    "worktree_patch": lambda place, base: diffs.worktree_patch(place, base),
    "preview": lambda place, _: merges.preview(place, "main", "task"),
    "require_free": lambda place, _: targets.require_free(place, "main", "main", "task"),
    "was_pushed": lambda place, _: merges.was_pushed(place, "task"),
    "keep_merged_head": lambda place, base: merges.keep_merged_head(place, "w", 1, base),
    "create": lambda place, base: branches.create(place, "another", base),
    "unsaved": lambda place, _: nested.unsaved(place),
    "ignored": lambda place, _: snapshots.ignored(place),
}


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def script(tmp_path: Path, marker: Path) -> Path:
    file = tmp_path / "evil"
    file.write_text(f'#!/bin/sh\necho "$0 $*" >> "{marker}"\n[ $# -gt 0 ] && cat "$1"\nexit 0\n')
    file.chmod(0o755)
    return file


def settings(script: Path) -> dict[str, str]:
    run = str(script)
    return {
        "core.fsmonitor": run,
        "core.pager": run,
        "core.editor": run,
        "core.askPass": run,
        "core.sshCommand": run,
        "core.gitProxy": run,
        "core.alternateRefsCommand": run,
        "core.hooksPath": str(script.parent / "evil-hooks"),
        "credential.helper": run,
        "diff.external": run,
        "diff.evil.command": run,
        "diff.evil.textconv": run,
        "filter.evil.clean": run,
        "filter.evil.smudge": run,
        "filter.evil.process": run,
        "filter.evil.required": "true",
        "filter.a=b.clean": run,
        "merge.evil.driver": f"{run} %A",
        "merge.default": "evil",
        "gpg.program": run,
        "log.showSignature": "true",
        "sequence.editor": run,
        "interactive.diffFilter": run,
        "pager.diff": run,
        "pager.status": "true",
        "alias.status": f"!{run}",
        "alias.diff": f"!{run}",
        "alias.rev-parse": f"!{run}",
        "submodule.recurse": "true",
        "remote.origin.url": f"ext::{run}",
        "remote.origin.uploadpack": run,
        "remote.origin.promisor": "true",
        "remote.origin.partialCloneFilter": "blob:none",
        "extensions.partialClone": "origin",
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "trailer.x.command": run,
    }


@pytest.fixture(params=["config", "include", "worktree"])
def hostile(
    request: pytest.FixtureRequest,
    repo: GitRepo,
    worktree: GitRepo,
    script: Path,
    env: dict[str, str],
) -> GitRepo:
    """A worktree with every kind of change, whose repository wants to run `script`."""
    attributes = "*.evil filter=evil diff=evil merge=evil\n*.ab filter=a=b\n"
    repo.commit_files(
        {".gitattributes": attributes, "x.evil": "1\n2\n3\n", "y.evil": "1\n", "z.ab": "1\n"}
    )
    inner = repo.root.parent / "library"
    repo.run("clone", "--quiet", str(repo.root), str(inner))
    worktree.run("reset", "--quiet", "--hard", "main")
    worktree.run(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib"
    )
    worktree.commit_files({"x.evil": "1\n2\ntheirs\n"})
    repo.commit_files({"x.evil": "ours\n2\n3\n"})
    for place in (repo, worktree):
        place.write("y.evil", "changed\n")
        place.write("z.ab", "changed\n")
        place.write("new.evil", "new\n")
    # Of the same size, so that git can't tell the change without reading through the filter.
    worktree.write("lib/README.md", "one\ntwo\nTHREE\n")
    write_settings(request.param, worktree, script)
    inside = worktree.at(worktree.root / "lib")
    write_settings("config", inside, script)
    inside.run("config", "filter.inner.clean", str(script))
    inside.write(".gitattributes", "*.md filter=inner\n")
    for name in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc"):
        hook = script.parent / "evil-hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes(script.read_bytes())
        hook.chmod(0o755)
    return worktree


def write_settings(kind: str, repo: GitRepo, script: Path) -> None:
    git_dir = Path(repo.run("rev-parse", "--path-format=absolute", "--git-common-dir"))
    if kind == "worktree":
        repo.run("config", "extensions.worktreeConfig", "true")
        file = Path(repo.run("rev-parse", "--path-format=absolute", "--git-dir"), "config.worktree")
    elif kind == "include":
        file = git_dir / "included"
        repo.run("config", "include.path", "included")
    else:
        file = git_dir / "config"
    for name, value in settings(script).items():
        if not name.startswith("filter.a=b"):
            repo.at(repo.root.parent).run("config", "--file", str(file), name, value)
    with file.open("a") as opened:
        opened.write(f'[filter "a=b"]\n\tclean = {script}\n')


def test_reading_runs_nothing(hostile: GitRepo, marker: Path) -> None:
    ran: dict[str, str] = {}
    for name, read in READS.items():
        marker.unlink(missing_ok=True)
        read(hostile.root, "main~1")
        if marker.exists():
            ran[name] = marker.read_text()
    assert ran == {}


def test_the_trap_works(hostile: GitRepo, marker: Path) -> None:
    marker.unlink(missing_ok=True)
    command.direct(["git", "diff"], hostile.root, hostile.env)
    assert marker.exists()


def test_a_missing_object_is_not_fetched(hostile: GitRepo, marker: Path) -> None:
    marker.unlink(missing_ok=True)
    assert not repositories.has_commit(hostile.root, "1" * 40)
    assert not merges.is_merged(hostile.root, "main", "1" * 40)
    assert not marker.exists()


def test_the_users_own_filters_still_run(
    repo: GitRepo, env: dict[str, str], tmp_path: Path
) -> None:
    """What stands in the user's own configuration, as git-lfs does, is theirs to run."""
    repo.run("config", "--global", "filter.up.clean", "tr a-z A-Z")
    base = repo.commit_files({".gitattributes": "*.up filter=up\n", "a.up": "text\n"})
    repo.write("a.up", "more\n")
    assert "+MORE" in diffs.worktree_patch(repo.root, base).text
    repo.run("config", "filter.up.clean", "touch marker; cat")
    assert "+MORE" in diffs.worktree_patch(repo.root, base).text
    assert not (repo.root / "marker").exists()
