"""Direct merges: the work of a workspace becomes one commit on its target branch.

The commit is made first, its id goes into the intent row, and only then the target moves; so a
merge that was cut off is told and finished by one question: is that commit on the target?
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from branchwork.domain.errors import BranchworkError, Conflict
from branchwork.domain.execution_process import AttentionKind, RunReason
from branchwork.domain.merge import Merge, MergeType
from branchwork.domain.run import Intent
from branchwork.domain.task import Task, TaskStatus
from branchwork.domain.workspace import Isolation
from branchwork.git import branches, command, merges, repositories
from branchwork.services import reviews, tasks, worktrees
from branchwork.services.app import App, new_id
from branchwork.services.environments import cleaned
from branchwork.services.reviews import Attempt
from branchwork.services.workspaces import prompt_of
from branchwork.store import executions, runs
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)

MERGE = "merge"
BEGUN, COMMITTED = "begun", "committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoPreview:
    """What a merge of one repo would do, or why it is refused."""

    attempt: Attempt
    preview: merges.Preview | None
    refusal: BranchworkError | None


async def preview(app: App, workspace_id: str, repo_id: str | None = None) -> list[RepoPreview]:
    """Work out each repo's merge; nothing is touched."""
    attempts = await reviews.attempts(app, workspace_id, repo_id)
    refusal = await app.store.read(lambda tx: _refused(tx, attempts[0])) if attempts else None
    return [await app.blocking(_previewed, attempt, refusal) for attempt in attempts]


async def merge(
    app: App,
    workspace_id: str,
    environment: Mapping[str, str],
    *,
    repo_id: str | None = None,
    message: str | None = None,
) -> tuple[list[Merge], Task]:
    """Merge what is not merged yet, repo by repo; raises Conflict with the reason of a refusal."""

    async def work() -> tuple[list[Merge], Task]:
        await app.blocking(command.require)
        async with app.alone(f"merge:{workspace_id}"):
            done = await _merge_all(app, workspace_id, repo_id, cleaned(environment), message)
            task = await app.store.read(lambda tx: stored_tasks.of_workspace(tx, workspace_id))
            return done, task

    return await app.to_the_end(work())


async def default_message(app: App, workspace_id: str) -> str:
    """The commit message of a merge that is given none: the task's title and description."""
    return prompt_of(await app.store.read(lambda tx: stored_tasks.of_workspace(tx, workspace_id)))


async def recover(app: App, intent: Intent) -> None:
    """Finish or forget a merge that was cut off."""
    async with app.alone(f"merge:{intent.workspace_id}"):
        current = await app.store.read(lambda tx: tx.get(Intent, intent.id))
        # Who merges finishes first what was cut off.
        if current.closed_at is None:
            await _finish(app, current, {})


async def _merge_all(
    app: App,
    workspace_id: str,
    repo_id: str | None,
    environment: Mapping[str, str],
    message: str | None,
) -> list[Merge]:
    done = []
    for intent in await app.store.read(lambda tx: runs.open_intents(tx, workspace_id)):
        # Such as one that could not be written down because the disk was full.
        finished = await _finish(app, intent, environment) if intent.kind == MERGE else None
        done += [finished] if finished else []
    attempts = await reviews.attempts(app, workspace_id, repo_id)
    waiting = [a for a in attempts if await app.blocking(_has_work, a)]
    if not waiting and not done:
        refusal = await app.store.read(lambda tx: _refused(tx, attempts[0])) if attempts else None
        raise refusal or Conflict(
            "There is nothing to merge: the branch has no commits of its own.",
            kind="nothingToMerge",
            workspace_id=workspace_id,
        )
    for attempt in waiting:
        async with app.alone(f"repo:{attempt.repo.id}"):
            done.append(await _merge_one(app, attempt, environment, message))
    return done


async def _finish(app: App, intent: Intent, environment: Mapping[str, str]) -> Merge | None:
    """The merge of an open intent, where its commit was made and can still be the target's."""
    if intent.step != COMMITTED:
        await app.store.write(lambda tx: worktrees.close_intent(tx, intent))
        return None
    workspace_id = intent.workspace_id or ""
    (attempt,) = await reviews.attempts(app, workspace_id, str(intent.payload["repo_id"]))
    async with app.alone(f"repo:{attempt.repo.id}"):
        try:
            target, new = attempt.link.target_branch, str(intent.payload["new"])
            await app.blocking(merges.put_back, attempt.root, target, new)
            await _move(app, attempt, intent, environment)
        except BranchworkError as error:
            logger.warning("the merge of %s stays undone: %s", workspace_id, error.sentence)
            sentence = f"The merge was cut off and stays undone. {error.sentence}"
            await app.store.write(lambda tx: _give_up(tx, intent, sentence))
            return None
        return await _settle(app, attempt, intent, environment)


async def _merge_one(
    app: App, attempt: Attempt, environment: Mapping[str, str], message: str | None
) -> Merge:
    refusal = await app.store.read(lambda tx: _refused(tx, attempt))
    if refusal is not None:
        raise refusal
    await app.blocking(_require_clean, attempt)
    target = attempt.link.target_branch
    old = await app.blocking(branches.commit, attempt.root, target)
    head = await app.blocking(repositories.head_commit, attempt.directory)
    facts: dict[str, Any] = {"repo_id": attempt.repo.id, "old": old, "head": head}
    intent = await app.store.write(
        lambda tx: worktrees.open_intent(tx, MERGE, attempt.workspace.id, facts)
    )
    try:
        new = await app.blocking(
            merges.squash_commit,
            attempt.root,
            target,
            str(head),
            message or await default_message(app, attempt.workspace.id),
            worktrees.runner(app, intent.id),
            environment,
        )
        intent = await app.store.write(
            lambda tx: tx.update(intent, step=COMMITTED, payload={**facts, "new": new})
        )
        await _move(app, attempt, intent, environment)
    except BranchworkError:
        await app.store.write(lambda tx: worktrees.close_intent(tx, intent))
        raise
    return await _settle(app, attempt, intent, environment)


async def _move(app: App, attempt: Attempt, intent: Intent, environment: Mapping[str, str]) -> None:
    """Move the target to the commit of an intent; raises only where it is not there afterwards."""
    new, old = str(intent.payload["new"]), str(intent.payload["old"])
    target = attempt.link.target_branch
    runner = worktrees.runner(app, f"{intent.id}-move")
    try:
        await app.blocking(merges.move_target, attempt.root, target, new, old, runner, environment)
    except BranchworkError as error:
        # Whoever watched git may have died, or a hook have failed after the fact.
        if not await app.blocking(merges.is_merged, attempt.root, target, new):
            raise
        logger.warning("“%s” was moved although: %s", target, error.sentence)


async def _settle(
    app: App, attempt: Attempt, intent: Intent, environment: Mapping[str, str]
) -> Merge:
    """Write down a merge whose commit the target has; the branch goes on from that commit."""
    new, head = str(intent.payload["new"]), str(intent.payload["head"])
    number = len(attempt.merges) + 1
    await app.blocking(merges.keep_merged_head, attempt.root, attempt.workspace.id, number, head)
    runner = worktrees.runner(app, f"{intent.id}-move")
    try:
        await app.blocking(
            merges.move_branch_after_squash, attempt.directory, head, new, runner, environment
        )
    except BranchworkError as error:
        logger.warning("the branch of %s stays: %s", attempt.workspace.id, error.sentence)
    unmerged = await _others_unmerged(app, attempt)
    return await app.store.write(
        lambda tx: _write(tx, attempt, intent, new, head, is_last=not unmerged)
    )


def _give_up(tx: Transaction, intent: Intent, sentence: str) -> None:
    """Nobody waits for an answer any more: it is told where things wait for a person."""
    worktrees.close_intent(tx, intent)
    agent = executions.newest_agent(tx, intent.workspace_id or "")
    if agent is not None:
        tx.derive(agent, attention=AttentionKind.FAILED, ended_sentence=sentence)


def _write(
    tx: Transaction, attempt: Attempt, intent: Intent, new: str, head: str, *, is_last: bool
) -> Merge:
    worktrees.close_intent(tx, intent)
    merged = tx.insert(
        Merge(
            id=new_id(),
            workspace_id=attempt.workspace.id,
            repo_id=attempt.repo.id,
            target_branch_name=attempt.link.target_branch,
            merge_type=MergeType.DIRECT,
            merge_commit=new,
            merged_head=head,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    agent = executions.newest_agent(tx, attempt.workspace.id)
    for state in executions.repo_states(tx, agent.id) if agent else []:
        if state.repo_id == attempt.repo.id:
            tx.update(state, merge_commit=new)
    for execution in executions.wanting_attention(tx, attempt.workspace.id):
        tx.derive(execution, attention=None)
    task = stored_tasks.of_workspace(tx, attempt.workspace.id)
    for status in (TaskStatus.IN_REVIEW, TaskStatus.DONE) if is_last else ():
        task = tasks.move(tx, task, status)
    return merged


async def _others_unmerged(app: App, attempt: Attempt) -> bool:
    others = [
        other
        for other in await reviews.attempts(app, attempt.workspace.id)
        if other.repo.id != attempt.repo.id
    ]
    return any([await app.blocking(_has_work, other) for other in others])


def _has_work(attempt: Attempt) -> bool:
    return reviews.is_unmerged(attempt, _head(attempt))


def _head(attempt: Attempt) -> str | None:
    """Of the worktree, or of the branch where the worktree is gone."""
    if attempt.directory.is_dir():
        return repositories.head_commit(attempt.directory)
    return branches.commit(attempt.root, attempt.workspace.branch)


def _refused(tx: Transaction, attempt: Attempt) -> Conflict | None:
    """Why a workspace can't be merged at all right now."""
    workspace = attempt.workspace
    if workspace.isolation is not Isolation.WORKTREE:
        return Conflict(
            "This workspace works in your own checkout: there is no branch to merge.",
            kind="notAWorktree",
            workspace_id=workspace.id,
        )
    running = [
        execution
        for execution in executions.running(tx, workspace.id)
        if execution.run_reason is not RunReason.DEV_SERVER
    ]
    if running or runs.open_plans(tx, workspace.id):
        return Conflict(
            "A run is going on in this workspace. Wait for its end or stop it, then merge.",
            kind="running",
            workspace_id=workspace.id,
            execution_id=running[0].id if running else None,
        )
    return None


def _require_clean(attempt: Attempt) -> None:
    reviews.require_directory(attempt)
    status = repositories.status(attempt.directory)
    if not status.is_clean:
        raise Conflict(
            f"The worktree {attempt.directory} has uncommitted changes. Commit them there or ask "
            "the agent to, then merge.",
            kind="dirtyWorktree",
            workspace_id=attempt.workspace.id,
            files=list(status.changed)[:20],
        )


def _previewed(attempt: Attempt, refusal: Conflict | None) -> RepoPreview:
    found, problem = None, None
    try:
        command.require()
        head = _head(attempt)
        found = merges.preview(attempt.root, attempt.link.target_branch, str(head))
        if not reviews.is_unmerged(attempt, head):
            found = replace(found, ahead=0, files=())
        if found.conflicts:
            problem = Conflict(
                f"It would conflict with “{attempt.link.target_branch}” in "
                + ", ".join(found.conflicts[:10]),
                kind="mergeConflicts",
                conflicts=list(found.conflicts),
            )
        _require_clean(attempt)
    except BranchworkError as error:
        return RepoPreview(attempt=attempt, preview=found, refusal=refusal or error)
    return RepoPreview(attempt=attempt, preview=found, refusal=refusal or problem)
