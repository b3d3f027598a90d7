from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from branchwork.domain.errors import Conflict, GitFailed, NotFound
from branchwork.git import branches, merges, repositories
from branchwork.git.command import Completed, direct
from support.git_repos import GitRepo


def journaled(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Completed:
    """A runner that keeps lines, as one with a journal does: the last line gets its end."""
    ended = direct(argv, cwd, env)
    stdout = b"".join(line + b"\n" for line in ended.stdout.split(b"\n") if line)
    return Completed(stdout=stdout, stderr=ended.stderr, code=ended.code)


def squash(repo: GitRepo, message: str = "Title\n\nDescription", source: str = "task") -> str:
    return merges.squash_commit(repo.root, "main", source, message, journaled, repo.env)


def move(repo: GitRepo, new: str, old: str) -> None:
    merges.move_target(repo.root, "main", new, old, direct, repo.env)


def merge(repo: GitRepo) -> str:
    old = repo.head("main")
    new = squash(repo)
    move(repo, new, old)
    return new


def refusal(repo: GitRepo) -> Conflict:
    """Why a merge is refused, having checked that nothing at all was changed by trying."""
    before = repo.fingerprint()
    with pytest.raises(Conflict) as caught:
        merge(repo)
    assert repo.fingerprint() == before
    return caught.value


@pytest.fixture
def elsewhere(repo: GitRepo) -> GitRepo:
    """The user's checkout stands on another branch, so `main` is checked out nowhere."""
    repo.run("checkout", "--quiet", "-b", "user")
    return repo


def test_preview_counts_and_lists_without_changing_anything(
    repo: GitRepo, worktree: GitRepo
) -> None:
    worktree.commit_files({"new.py": "x\n"})
    source = worktree.commit_files({"README.md": "one\ntwo\nthree\nfour\n"})
    target = repo.commit_files({"other.py": "x\n"})
    before = repo.fingerprint()
    found = merges.preview(repo.root, "main", "task")
    assert (found.target_commit, found.source_commit) == (target, source)
    assert (found.ahead, found.behind, found.conflicts) == (2, 1, ())
    assert {change.path for change in found.files} == {"new.py", "README.md"}
    assert repo.fingerprint() == before


def test_preview_lists_conflicts_of_every_kind(repo: GitRepo, worktree: GitRepo) -> None:
    repo.commit_files({"gone": "a\nb\nc\n", "b\nin": b"\0one", "name": "1\n2\n3\n"})
    worktree.run("reset", "--quiet", "--hard", "main")
    worktree.commit_files({"README.md": "theirs\n", "gone": "a\nb\nX\n", "b\nin": b"\0two"})
    repo.run("rm", "--quiet", "gone")
    repo.commit_files({"README.md": "ours\n", "b\nin": b"\0three"})
    before = repo.fingerprint()
    found = merges.preview(repo.root, "main", "task")
    assert set(found.conflicts) == {"README.md", "gone", "b\nin"}
    assert {change.path for change in found.files} == {"README.md", "gone", "b\nin"}
    error = refusal(repo)
    assert error.reason == "mergeConflicts"
    assert set(error.ids["paths"]) == {"README.md", "gone", "b\nin"}  # type: ignore[call-overload]
    assert repo.fingerprint() == before


def test_unrelated_histories(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.run("checkout", "--quiet", "--orphan", "alone")
    worktree.commit()
    for ask in (
        lambda: merges.preview(repo.root, "main", "alone"),
        lambda: squash(repo, source="alone"),
    ):
        with pytest.raises(Conflict) as caught:
            ask()
        assert caught.value.reason == "unrelatedHistories"


def test_branches_that_are_missing(repo: GitRepo, worktree: GitRepo) -> None:
    with pytest.raises(NotFound):
        merges.preview(repo.root, "nope", "task")
    with pytest.raises(NotFound):
        merges.preview(repo.root, "main", "nope")
    with pytest.raises(NotFound):
        merges.is_merged(repo.root, "nope", repo.head())


def test_a_merge_is_one_commit_with_the_users_identity(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    worktree.commit_files({"a.py": "2\n"})
    old = repo.commit_files({"mine.py": "x\n"})
    new = squash(repo)
    assert repo.head("main") == old
    assert repositories.status(repo.root).is_clean
    assert not merges.is_merged(repo.root, "main", new)
    move(repo, new, old)
    assert repo.head("main") == repo.head() == new
    assert repo.run("log", "-1", "--format=%P|%an|%ce|%B") == (
        f"{old}|Ada|ada@example.com|Title\n\nDescription\n"
    )
    assert (repo.root / "a.py").read_text() == "2\n"
    assert repositories.status(repo.root).is_clean
    assert merges.is_merged(repo.root, "main", new)


def test_target_checked_out_nowhere_moves_the_ref_only(
    elsewhere: GitRepo, worktree: GitRepo
) -> None:
    worktree.commit_files({"a.py": "1\n"})
    elsewhere.write("README.md", "dirty\n")
    files = {path: path.read_bytes() for path in elsewhere.root.glob("*.md")}
    new = merge(elsewhere)
    assert elsewhere.head("main") == new
    assert elsewhere.run("symbolic-ref", "HEAD") == "refs/heads/user"
    assert {path: path.read_bytes() for path in elsewhere.root.glob("*.md")} == files
    assert not (elsewhere.root / "a.py").exists()


def test_target_checked_out_in_another_worktree(
    elsewhere: GitRepo, worktree: GitRepo, tmp_path: Path
) -> None:
    place = tmp_path / "main-here"
    elsewhere.run("worktree", "add", "--quiet", str(place), "main")
    worktree.commit_files({"a.py": "1\n"})
    (place / "notes").write_text("untracked\n")
    new = merge(elsewhere)
    assert elsewhere.at(place).head() == new
    assert (place / "a.py").exists()
    assert repositories.status(place).changed == ("notes",)


def test_unrelated_edits_in_the_targets_checkout_stay(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    repo.write("README.md", "edited\n")
    repo.write("staged.txt", "staged\n")
    repo.run("add", "staged.txt")
    repo.write("untracked.txt", "x\n")
    merge(repo)
    found = repositories.status(repo.root)
    assert (found.staged, found.modified, found.untracked) == (
        ("staged.txt",),
        ("README.md",),
        ("untracked.txt",),
    )
    assert (repo.root / "a.py").exists()


@pytest.mark.parametrize("staged", [True, False])
def test_an_edit_where_the_merge_writes_refuses(
    repo: GitRepo, worktree: GitRepo, staged: bool
) -> None:
    worktree.commit_files({"README.md": "theirs\n"})
    repo.write("README.md", "mine\n")
    if staged:
        repo.run("add", "README.md")
    error = refusal(repo)
    assert error.reason == "targetDirty"
    assert error.ids["paths"] == ["README.md"]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("a.py", "a.py"),
        ("a", "a/b.py"),
        ("a/b/c", "a"),
        ("kept.ign", "kept.ign"),
        ("d.ign", "d.ign/x"),
    ],
)
def test_an_untracked_or_ignored_file_in_the_way_refuses(
    repo: GitRepo, worktree: GitRepo, mine: str, theirs: str
) -> None:
    repo.commit_files({".gitignore": "*.ign\n"})
    worktree.write(theirs, "theirs\n")
    worktree.run("add", "--force", theirs)
    worktree.run("commit", "--quiet", "-m", "x")
    repo.write(mine, "precious\n")
    assert refusal(repo).reason == "targetDirty"
    assert (repo.root / mine).read_text() == "precious\n"


def test_a_file_that_becomes_a_folder_and_back(repo: GitRepo, worktree: GitRepo) -> None:
    repo.commit_files({"x": "file\n", "y/inner": "folder\n"})
    worktree.run("reset", "--quiet", "--hard", "main")
    worktree.run("rm", "--quiet", "-r", "x", "y")
    worktree.commit_files({"x/inner": "folder\n", "y": "file\n"})
    merge(repo)
    assert (repo.root / "x" / "inner").is_file()
    assert (repo.root / "y").is_file()
    assert repositories.status(repo.root).is_clean


def test_deletions_and_renames_arrive(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.run("rm", "--quiet", "src/app.py")
    worktree.run("mv", "README.md", "READ ME")
    worktree.commit()
    merge(repo)
    assert not (repo.root / "src").exists()
    assert (repo.root / "READ ME").exists()
    assert repositories.status(repo.root).is_clean


@pytest.mark.parametrize("kind", ["merge", "rebase", "bisect"])
def test_something_under_way_in_the_targets_checkout_refuses(
    repo: GitRepo, worktree: GitRepo, kind: str
) -> None:
    worktree.commit_files({"a.py": "1\n"})
    repo.run("checkout", "--quiet", "-b", "side")
    repo.commit_files({"README.md": "theirs\n"})
    repo.run("checkout", "--quiet", "main")
    repo.commit_files({"README.md": "ours\n"})
    if kind == "bisect":
        repo.run("bisect", "start", "HEAD", "HEAD~1")
    else:
        with pytest.raises(AssertionError):
            repo.run(kind, "side")
    error = refusal(repo)
    assert error.reason == "operationInProgress"
    assert error.ids["operation"] == kind


def test_nothing_to_merge(repo: GitRepo, worktree: GitRepo) -> None:
    assert refusal(repo).reason == "nothingToMerge"
    worktree.commit_files({"a.py": "1\n"})
    merge(repo)
    assert refusal(repo).reason == "nothingToMerge"


def test_a_target_that_moved_in_between(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    old = repo.head()
    new = squash(repo)
    repo.commit_files({"mine.py": "x\n"})
    before = repo.fingerprint()
    with pytest.raises(Conflict) as caught:
        move(repo, new, old)
    assert caught.value.reason == "targetMoved"
    assert repo.fingerprint() == before


@pytest.mark.parametrize("checked_out", [True, False])
def test_a_target_that_moves_at_the_last_moment(
    repo: GitRepo, worktree: GitRepo, checked_out: bool
) -> None:
    worktree.commit_files({"a.py": "1\n"})
    old = repo.head()
    if not checked_out:
        repo.run("checkout", "--quiet", "-b", "user")
    new = squash(repo)

    def somebody_commits_first(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Completed:
        if checked_out:
            repo.commit_files({"mine.py": "x\n"})
        else:
            other = repo.run("commit-tree", "main^{tree}", "-p", "main", "-m", "x")
            repo.run("update-ref", "refs/heads/main", other)
        return direct(argv, cwd, env)

    with pytest.raises(Conflict) as caught:
        merges.move_target(repo.root, "main", new, old, somebody_commits_first, repo.env)
    assert caught.value.reason == "targetMoved"
    assert repo.head("main") != new
    assert repositories.status(repo.root).is_clean


@pytest.mark.parametrize("checked_out", [True, False])
def test_steps_can_be_run_again_after_a_kill(
    repo: GitRepo, worktree: GitRepo, checked_out: bool
) -> None:
    worktree.commit_files({"a.py": "1\n"})
    old = repo.head()
    if not checked_out:
        repo.run("checkout", "--quiet", "-b", "user")
    abandoned = squash(repo)
    new = squash(repo, "Again")
    assert abandoned != new
    move(repo, new, old)
    after = repo.fingerprint()
    move(repo, new, old)
    repo.commit()
    move(repo, new, old)
    assert merges.is_merged(repo.root, "main", new)
    assert not merges.is_merged(repo.root, "main", abandoned)
    assert after


def test_an_object_that_is_gone_is_not_merged(repo: GitRepo) -> None:
    assert not merges.is_merged(repo.root, "main", "1" * 40)


def test_the_message_goes_through_the_commit_msg_hook(
    repo: GitRepo, worktree: GitRepo, tmp_path: Path
) -> None:
    worktree.commit_files({"a.py": "1\n"})
    repo.run("config", "core.hooksPath", str(tmp_path / "hooks"))
    repo.hook("commit-msg", 'echo "Reviewed-by: $MARK" >> "$1"; pwd > "$HOME/where"')
    repo.env["MARK"] = "the hook"
    merge(repo)
    assert repo.run("log", "-1", "--format=%B") == "Title\n\nDescription\nReviewed-by: the hook\n"
    assert Path(repo.env["HOME"], "where").read_text().strip() == str(repo.root)


def test_a_commit_msg_hook_that_refuses(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    repo.hook("commit-msg", "echo 'no ticket number' >&2; exit 1")
    before = repo.fingerprint()
    with pytest.raises(GitFailed) as caught:
        squash(repo)
    assert caught.value.reason == "commitFailed"
    assert "no ticket number" in str(caught.value)
    assert repo.fingerprint() == before


def test_a_missing_identity(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    repo.run("config", "user.useConfigOnly", "true")
    env = {name: value for name, value in repo.env.items() if not name.startswith("GIT_")}
    with pytest.raises(GitFailed) as caught:
        merges.squash_commit(repo.root, "main", "task", "Title", direct, env)
    assert caught.value.reason == "identityMissing"


def test_signed_where_the_user_signs(repo: GitRepo, worktree: GitRepo, tmp_path: Path) -> None:
    key = tmp_path / "key"
    signer = tmp_path / "signer"
    # A stand-in for ssh-keygen: what matters is that git asks it and keeps what it says.
    signer.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        "printf -- '-----BEGIN SSH SIGNATURE-----\\nAAAA\\n-----END SSH SIGNATURE-----\\n'"
        ' > "$last.sig"\n'
    )
    signer.chmod(0o755)
    key.write_text("key")
    worktree.commit_files({"a.py": "1\n"})
    for name, value in {
        "commit.gpgSign": "true",
        "gpg.format": "ssh",
        "gpg.ssh.program": str(signer),
        "user.signingKey": str(key),
    }.items():
        repo.run("config", name, value)
    new = merge(repo)
    assert "gpgsig -----BEGIN SSH SIGNATURE-----" in repo.run("cat-file", "-p", new)
    worktree.commit_files({"b.py": "1\n"})
    repo.run("config", "gpg.ssh.program", "false")
    before = repo.fingerprint()
    with pytest.raises(GitFailed):
        squash(repo)
    assert repo.fingerprint() == before


def test_settings_that_would_make_it_another_merge(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    for name, value in {
        "merge.ff": "false",
        "branch.main.mergeOptions": "--no-ff --squash",
        "merge.autoStash": "true",
        "merge.stat": "true",
        "pull.rebase": "true",
    }.items():
        repo.run("config", name, value)
    repo.write("README.md", "edited\n")
    new = merge(repo)
    assert repo.head() == new
    assert repositories.status(repo.root).modified == ("README.md",)


def test_a_post_merge_hook_that_fails_does_not_undo_the_merge(
    repo: GitRepo, worktree: GitRepo
) -> None:
    worktree.commit_files({"a.py": "1\n"})
    repo.hook("post-merge", "exit 1")
    assert merge(repo) == repo.head()


def test_a_hook_that_forbids_the_ref(elsewhere: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    old = elsewhere.head("main")
    new = squash(elsewhere)
    elsewhere.hook("reference-transaction", '[ "$1" = prepared ] && exit 1; exit 0')
    with pytest.raises(GitFailed):
        move(elsewhere, new, old)
    assert elsewhere.head("main") == old


def test_a_hook_that_forbids_the_ref_leaves_the_users_checkout(
    repo: GitRepo, worktree: GitRepo
) -> None:
    """git moves the files first: they go back, and what the user has changed stays."""
    worktree.run("mv", "src/app.py", "src/moved.py")
    worktree.commit_files({"new/a.py": "1\n"})
    repo.write("README.md", "mine\n")
    repo.write("staged.txt", "mine\n")
    repo.run("add", "staged.txt")
    repo.write("draft.txt", "mine\n")
    before, old = repo.run("status", "--porcelain"), repo.head()
    new = squash(repo)
    repo.hook("reference-transaction", '[ "$1" = prepared ] && exit 1; exit 0')
    with pytest.raises(GitFailed):
        move(repo, new, old)
    assert repo.head() == old
    assert repo.run("status", "--porcelain") == before
    assert (repo.root / "src/app.py").exists()
    assert not (repo.root / "new").exists()


def test_a_merge_driver_of_the_repository_runs_in_the_merge_only(
    repo: GitRepo, worktree: GitRepo
) -> None:
    worktree.commit_files({"README.md": "theirs\n"})
    repo.commit_files({".gitattributes": "README.md merge=both\n", "README.md": "ours\n"})
    repo.run("config", "merge.both.driver", 'touch "$HOME/ran"; cat %B >> %A')
    assert merges.preview(repo.root, "main", "task").conflicts == ("README.md",)
    assert not Path(repo.env["HOME"], "ran").exists()
    merge(repo)
    assert Path(repo.env["HOME"], "ran").exists()
    assert (repo.root / "README.md").read_text() == "ours\ntheirs\n"


def test_moving_without_an_environment_as_after_a_restart(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"a.py": "1\n"})
    old = repo.head()
    new = squash(repo)
    merges.move_target(repo.root, "main", new, old, direct, {})
    assert repo.head() == new


def test_merged_heads_are_kept(repo: GitRepo, worktree: GitRepo) -> None:
    commits = [worktree.commit_files({"a.py": str(number)}) for number in range(11)]
    for number, commit in enumerate(commits):
        merges.keep_merged_head(repo.root, "0199-w", number, commit)
    assert merges.merged_heads(repo.root, "0199-w") == commits
    assert merges.merged_heads(repo.root, "0199") == []
    assert branches.listed(repo.root)[0].name == "main"


def after_squash(worktree: GitRepo, head: str, new: str) -> bool:
    return merges.move_branch_after_squash(worktree.root, head, new, direct, worktree.env)


def test_a_clean_branch_follows_its_squash(repo: GitRepo, worktree: GitRepo) -> None:
    head = worktree.commit_files({"a.py": "1\n"})
    repo.commit_files({"mine.py": "x\n"})
    new = merge(repo)
    assert after_squash(worktree, head, new)
    assert worktree.head() == new
    assert worktree.run("symbolic-ref", "HEAD") == "refs/heads/task"
    assert (worktree.root / "mine.py").exists()
    assert repositories.ahead_behind(repo.root, "task", "main") == (0, 0)


@pytest.mark.parametrize("why", ["dirty", "untracked", "newer", "detached", "pushed", "upstream"])
def test_a_branch_that_may_not_follow(repo: GitRepo, worktree: GitRepo, why: str) -> None:
    head = worktree.commit_files({"a.py": "1\n"})
    new = merge(repo)
    {
        "dirty": lambda: worktree.write("README.md", "x"),
        "untracked": lambda: worktree.write("new", "x"),
        "newer": lambda: worktree.commit(),
        "detached": lambda: worktree.run("checkout", "--quiet", "--detach"),
        "pushed": lambda: worktree.run("update-ref", "refs/remotes/origin/task", "HEAD"),
        "upstream": lambda: worktree.run("config", "branch.task.remote", "origin"),
    }[why]()
    before = worktree.fingerprint()
    assert not after_squash(worktree, head, new)
    assert worktree.fingerprint() == before


def test_a_second_merge_after_the_branch_followed(repo: GitRepo, worktree: GitRepo) -> None:
    head = worktree.commit_files({"a.py": "1\n"})
    after_squash(worktree, head, merge(repo))
    worktree.commit_files({"a.py": "2\n"})
    assert merges.preview(repo.root, "main", "task").ahead == 1
    merge(repo)
    assert (repo.root / "a.py").read_text() == "2\n"
