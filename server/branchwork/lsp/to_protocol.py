"""From entities and views to what is sent: the only place that knows both shapes.

Fields of the same name are taken over by one generic function; what differs stands here by name.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from branchwork.agents.registry import Description
from branchwork.domain import approval as approvals
from branchwork.domain import entry as entries
from branchwork.domain import execution_process as executions
from branchwork.domain import merge as merges
from branchwork.domain import project as projects
from branchwork.domain import repo as repos
from branchwork.domain import run as runs
from branchwork.domain import session as sessions
from branchwork.domain import workspace as workspaces
from branchwork.domain.identity import timestamp
from branchwork.git.branches import Branch
from branchwork.git.paths import shown
from branchwork.protocol import agents as wire_agents
from branchwork.protocol import approvals as wire_approvals
from branchwork.protocol import attention as wire_attention
from branchwork.protocol import conversations as wire_conversations
from branchwork.protocol import daemon as wire_daemon
from branchwork.protocol import diffs as wire_diffs
from branchwork.protocol import entries as wire_entries
from branchwork.protocol import executions as wire_executions
from branchwork.protocol import merges as wire_merges
from branchwork.protocol import projects as wire_projects
from branchwork.protocol import repos as wire_repos
from branchwork.protocol import struct as wire
from branchwork.protocol import tasks as wire_tasks
from branchwork.protocol import workspaces as wire_workspaces
from branchwork.protocol.starts import AgentMode
from branchwork.services import views
from branchwork.services.agents import Availability
from branchwork.services.attention import AttentionItem
from branchwork.services.checks import Check
from branchwork.services.conversations import EntryChange
from branchwork.services.merges import RepoPreview
from branchwork.services.reviews import RepoDiff, RepoStatus

Wire = TypeVar("Wire", bound=msgspec.Struct)


def taken(kind: type[Wire], entity: Any, /, **more: Any) -> Wire:
    """A wire struct with the fields that it shares with an entity, and some of its own."""
    owner: Any = type(entity)
    values = {name: getattr(entity, name) for name in _shared(kind, owner)}
    return kind(**(values | more))


@cache
def _shared(kind: Any, entity: Any) -> tuple[str, ...]:
    """The fields that a struct and a dataclass both have."""
    own = {name for base in entity.__mro__ for name in getattr(base, "__dataclass_fields__", ())}
    return tuple(name for name in kind.__struct_fields__ if name in own)


def project(view: views.ProjectView) -> wire_projects.Project:
    """A project with what goes on in it."""
    return taken(
        wire_projects.Project,
        view.project,
        repo_ids=list(view.repo_ids),
        task_count=view.task_count,
        running=view.running,
        needs_you=view.needs_you,
    )


def project_repo(link: projects.ProjectRepo) -> wire_projects.ProjectRepo:
    """A project's settings for a repo."""
    return taken(wire_projects.ProjectRepo, link)


def member(one: views.Member) -> wire_projects.ProjectRepoMember:
    """A repo of a project."""
    return wire_projects.ProjectRepoMember(
        repo=repo(one.repo), overrides=project_repo(one.overrides)
    )


def branch(one: Branch) -> wire_repos.Branch:
    """A branch."""
    return wire_repos.Branch(
        name=one.name,
        is_current=one.is_current,
        is_remote=one.is_remote,
        head_commit=one.commit,
        committed_at=timestamp(one.committed_at * 1000),
    )


def repo(entity: repos.Repo) -> wire_repos.Repo:
    """A repository."""
    return taken(wire_repos.Repo, entity)


def task(view: views.TaskView, *, whole: bool = False) -> wire_tasks.Task:
    """A task; its description only where the whole of it was asked for."""
    return taken(
        wire_tasks.Task,
        view.task,
        has_description=bool(view.task.description),
        description=view.task.description if whole else None,
        running=view.flags.running,
        needs_you=view.flags.needs_you,
        workspace_count=view.flags.workspace_count,
    )


def workspace(view: views.WorkspaceView) -> wire_workspaces.Workspace:
    """A workspace with its repos."""
    return taken(
        wire_workspaces.Workspace,
        view.workspace,
        repos=[taken(wire_workspaces.WorkspaceRepo, link) for link in view.repos],
        running=view.running,
        needs_you=view.needs_you,
        conversation_id=view.conversation_id,
        executor=view.executor,
        waiting=waiting(view.workspace.id, view.waiting),
    )


def workspace_repo(entity: workspaces.WorkspaceRepo) -> wire_workspaces.WorkspaceRepo:
    """A repo of a workspace."""
    return taken(wire_workspaces.WorkspaceRepo, entity)


def waiting(workspace_id: str, row: runs.WaitingRun | None) -> wire_workspaces.WaitingRun | None:
    """A run that waits."""
    if row is None:
        return None
    return taken(wire_workspaces.WaitingRun, row, workspace_id=workspace_id)


def session(entity: sessions.Session) -> wire_workspaces.Session:
    """A session."""
    return taken(wire_workspaces.Session, entity)


def queued_prompt(entity: sessions.QueuedPrompt) -> wire_conversations.QueuedPrompt:
    """A prompt that waits."""
    return taken(wire_conversations.QueuedPrompt, entity)


def execution(
    entity: executions.ExecutionProcess, *, whole: bool = False
) -> wire_executions.ExecutionProcess:
    """A process; what it runs only where the whole of it was asked for."""
    action = dict(entity.executor_action) if whole else None
    return taken(wire_executions.ExecutionProcess, entity, executor_action=action)


def repo_state(
    entity: executions.ExecutionProcessRepoState,
) -> wire_executions.ExecutionProcessRepoState:
    """HEAD around a process."""
    return taken(wire_executions.ExecutionProcessRepoState, entity)


def turn(entity: executions.CodingAgentTurn) -> wire_executions.CodingAgentTurn:
    """A turn."""
    return taken(wire_executions.CodingAgentTurn, entity)


def approval(view: views.ApprovalView) -> wire_approvals.Approval:
    """A request of an agent."""
    return taken(
        wire_approvals.Approval,
        view.approval,
        options=_options(view.approval.options),
        task_id=view.task_id,
        workspace_id=view.workspace_id,
        conversation_id=view.conversation_id,
    )


def _options(
    options: Sequence[approvals.ApprovalOption],
) -> list[wire_approvals.ApprovalOption]:
    return [taken(wire_approvals.ApprovalOption, option) for option in options]


def attention(item: AttentionItem) -> wire_attention.AttentionItem:
    """Something that waits for a person."""
    return taken(
        wire_attention.AttentionItem,
        item,
        kind=wire_attention.AttentionItemKind(item.kind),
        task_id=item.task.id,
        task_title=item.task.title,
        options=_options(item.options) or None,
    )


def conversation(view: views.ConversationView) -> wire_conversations.Conversation:
    """A conversation as a list shows it."""
    last = view.executions[-1] if view.executions else None
    return wire_conversations.Conversation(
        id=view.id,
        workspace_id=view.workspace_id,
        task_id=view.task_id,
        executor=view.sessions[-1].executor,
        session_count=len(view.sessions),
        status=last.status if last else None,
        summary=view.turns[-1].summary if view.turns else None,
        seen=all(turn.seen for turn in view.turns),
        running=view.running,
        needs_you=view.needs_you,
        queued_count=len(view.queue),
        created_at=view.sessions[0].created_at,
        updated_at=last.updated_at if last else view.sessions[-1].updated_at,
    )


def merge(entity: merges.Merge) -> wire_merges.Merge:
    """A direct merge or a pull request."""
    info = None
    if entity.pr_number is not None and entity.pr_status is not None:
        info = wire_merges.PullRequestInfo(
            number=entity.pr_number,
            url=entity.pr_url or "",
            status=entity.pr_status,
            merged_at=entity.pr_merged_at,
            merge_commit_sha=entity.pr_merge_commit_sha,
        )
    return taken(wire_merges.Merge, entity, pr_info=info)


def entry(execution_id: str, one: entries.Entry, **more: Any) -> wire_entries.Entry:
    """An entry of a conversation; `more` is what the entry itself can't know."""
    owner: Any = type(one)
    kind = _ENTRIES[owner]
    values = {name: getattr(one, name) for name in _shared(kind, owner)}
    values["execution_id"] = execution_id
    if isinstance(one, entries.ToolCall):
        values |= _tool_call(one)
    nested = _NESTED.get(owner)
    if nested is not None:
        name, part = nested
        values[name] = [taken(part, item) for item in getattr(one, name)]
    values |= {name: value for name, value in more.items() if name in kind.__struct_fields__}
    return kind(**values)  # type: ignore[return-value]


def entry_change(change: EntryChange) -> wire_conversations.EntryChange:
    """What became of an entry."""
    if change.appended is not None:
        return wire_conversations.EntryChange(
            op=wire_conversations.EntryChangeOp.APPEND,
            execution_id=change.execution_id,
            index=change.index,
            text=change.appended,
        )
    op = wire_conversations.EntryChangeOp
    return wire_conversations.EntryChange(
        op=op.ADD if change.is_new else op.REPLACE,
        execution_id=change.execution_id,
        index=change.index,
        entry=entry(
            change.execution_id,
            change.entry,
            session_id=change.session_id,
            executor=change.executor,
            approval_id=change.approval_id,
        ),
    )


def repo_status(one: RepoStatus) -> wire_workspaces.RepoStatus:
    """How a repo of a workspace stands."""
    return wire_workspaces.RepoStatus(
        repo_id=one.attempt.repo.id,
        target_branch=one.attempt.link.target_branch,
        target_exists=one.target_exists,
        head_commit=one.head_commit,
        ahead=one.ahead,
        behind=one.behind,
        uncommitted_files=len(set(one.status.staged) | set(one.status.modified)),
        untracked_files=len(one.status.untracked),
        operation=one.status.operation,
        conflicted_files=[shown(path) for path in one.status.conflicted],
    )


def file_diffs(one: RepoDiff) -> list[wire_diffs.FileDiff]:
    """The files of a repo's diff; its patch stands at the file it is of, else at the first."""
    return [
        wire_diffs.FileDiff(
            repo_id=one.attempt.repo.id,
            path=shown(file.path),
            old_path=None if file.old_path is None else shown(file.old_path),
            uri=None if file.status == "deleted" else (one.attempt.directory / file.path).as_uri(),
            status=_FILE_STATUS.get(file.status, wire_diffs.FileStatus.MODIFIED),
            additions=None if file.is_binary else file.additions,
            deletions=None if file.is_binary else file.deletions,
            binary=file.is_binary,
            patch=one.patches.get(file.path),
            omitted=one.omitted.get(file.path),
        )
        for file in one.files
    ]


def merge_preview(one: RepoPreview) -> wire_merges.RepoMergePreview:
    """What a merge of a repo would do."""
    found = one.preview
    return wire_merges.RepoMergePreview(
        repo_id=one.attempt.repo.id,
        target_branch=one.attempt.link.target_branch,
        ahead=found.ahead if found else 0,
        behind=found.behind if found else 0,
        files=[shown(file.path) for file in found.files] if found else [],
        conflicts=[shown(path) for path in found.conflicts] if found else [],
        refusal=None
        if one.refusal is None
        else wire_merges.Refusal(kind=one.refusal.reason, sentence=shown(one.refusal.sentence)),
    )


def agent(one: Availability, *, is_default: bool) -> wire_agents.Agent:
    """An agent as one editor can start it."""
    found: Description = one.agent
    return wire_agents.Agent(
        id=found.id,
        executor=found.executor,
        name=found.name,
        description=found.description or None,
        version=found.version or None,
        available=one.installed or one.downloads,
        installed=one.installed,
        logged_in=None,
        problem=one.problem,
        modes=[AgentMode(str(mode)) for mode in found.modes],
        can_resume=found.command is None,
        is_default=is_default,
    )


def current(place: views.Place) -> wire.Current:
    """What a connection's folders belong to."""
    return wire.Current(
        project_id=place.project.id if place.project else None,
        repo_id=place.repo.id if place.repo else None,
        task_id=place.task.id if place.task else None,
        workspace_id=place.workspace.id if place.workspace else None,
    )


def check(one: Check) -> wire_daemon.Check:
    """What the doctor found."""
    return taken(
        wire_daemon.Check,
        one,
        status=wire_daemon.CheckStatus(str(one.status)),
        sentence=shown(one.sentence),
        advice=None if one.advice is None else shown(one.advice),
    )


def _tool_call(one: entries.ToolCall) -> dict[str, Any]:
    return {
        "content": [taken(_CONTENT[type(part)], part) for part in one.content],
        "locations": [taken(wire_entries.Location, place) for place in one.locations],
    }


_FILE_STATUS = {
    "added": wire_diffs.FileStatus.ADDED,
    "modified": wire_diffs.FileStatus.MODIFIED,
    "deleted": wire_diffs.FileStatus.DELETED,
    "renamed": wire_diffs.FileStatus.RENAMED,
    "copied": wire_diffs.FileStatus.COPIED,
    "typeChanged": wire_diffs.FileStatus.TYPE_CHANGED,
    "unmerged": wire_diffs.FileStatus.CONFLICTED,
}
_CONTENT: dict[type, type[msgspec.Struct]] = {
    entries.ToolText: wire_entries.ToolText,
    entries.ToolDiff: wire_entries.ToolDiff,
    entries.ToolTerminal: wire_entries.ToolTerminal,
    entries.ToolMedia: wire_entries.ToolMedia,
}
_ENTRIES: dict[type, type[msgspec.Struct]] = {
    entries.UserMessage: wire_entries.UserMessageEntry,
    entries.AgentMessage: wire_entries.AgentMessageEntry,
    entries.Thought: wire_entries.ThoughtEntry,
    entries.Stderr: wire_entries.StderrEntry,
    entries.ScriptOutput: wire_entries.ScriptOutputEntry,
    entries.Unreadable: wire_entries.UnreadableEntry,
    entries.ToolCall: wire_entries.ToolCallEntry,
    entries.Plan: wire_entries.PlanEntry,
    entries.PermissionRequest: wire_entries.PermissionRequestEntry,
    entries.ModeChange: wire_entries.ModeChangeEntry,
    entries.Usage: wire_entries.UsageEntry,
    entries.AvailableCommands: wire_entries.AvailableCommandsEntry,
    entries.SessionBoundary: wire_entries.SessionBoundaryEntry,
    entries.Compaction: wire_entries.CompactionEntry,
    entries.Notice: wire_entries.NoticeEntry,
    entries.Stop: wire_entries.StopEntry,
    entries.Error: wire_entries.ErrorEntry,
    entries.Unknown: wire_entries.UnknownEntry,
}
_NESTED: dict[type, tuple[str, type[msgspec.Struct]]] = {
    entries.Plan: ("items", wire_entries.PlanItem),
    entries.PermissionRequest: ("options", wire_approvals.ApprovalOption),
    entries.AvailableCommands: ("commands", wire_entries.AvailableCommand),
}
