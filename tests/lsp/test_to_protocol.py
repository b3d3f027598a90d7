"""What is sent is what the protocol says: each value decodes again, strictly, as its own type."""

from dataclasses import fields, is_dataclass
from types import MappingProxyType

import msgspec
import pytest

from branchwork.agents.agent import Policy
from branchwork.agents.registry import Description
from branchwork.domain import (
    approval,
    entry,
    execution_process,
    merge,
    project,
    repo,
    run,
    session,
    task,
    workspace,
)
from branchwork.domain.errors import Conflict
from branchwork.git.diffs import FileChange
from branchwork.git.merges import Preview
from branchwork.git.repositories import Status
from branchwork.lsp import to_protocol
from branchwork.protocol import agents as wire_agents
from branchwork.protocol import approvals as wire_approvals
from branchwork.protocol import attention as wire_attention
from branchwork.protocol import conversations as wire_conversations
from branchwork.protocol import diffs as wire_diffs
from branchwork.protocol import entries as wire_entries
from branchwork.protocol import executions as wire_executions
from branchwork.protocol import merges as wire_merges
from branchwork.protocol import projects as wire_projects
from branchwork.protocol import repos as wire_repos
from branchwork.protocol import struct as wire_struct
from branchwork.protocol import tasks as wire_tasks
from branchwork.protocol import workspaces as wire_workspaces
from branchwork.services import views
from branchwork.services.agents import Availability
from branchwork.services.attention import AttentionItem
from branchwork.services.conversations import EntryChange
from branchwork.services.merges import RepoPreview
from branchwork.services.reviews import Attempt, RepoDiff, RepoStatus
from branchwork.store.tasks import TaskFlags

TIME = "2026-11-23T08:44:53.239Z"
EDITED = {"created_at": TIME, "updated_at": TIME, "revision": 3}

PROJECT = project.Project(id="p", name="shop", **EDITED)
LINK = project.ProjectRepo(project_id="p", repo_id="r", setup_script="", **EDITED)
REPO = repo.Repo(id="r", path="/r/shop", name="shop", display_name="Shop", **EDITED)
TASK = task.Task(id="t", project_id="p", title="empty 🛒", description="long", **EDITED)
WORKSPACE = workspace.Workspace(
    id="w",
    task_id="t",
    container_ref="/w/1-empty",
    branch="vk-1-empty",
    port_base=20010,
    **EDITED,
)
WORKSPACE_REPO = workspace.WorkspaceRepo(
    id="wr",
    workspace_id="w",
    repo_id="r",
    target_branch="main",
    base_commit="abc",
    directory="shop",
    **EDITED,
)
SESSION = session.Session(
    id="c", workspace_id="w", conversation_id="c", executor="CLAUDE_CODE", **EDITED
)
QUEUED = session.QueuedPrompt(id="q", conversation_id="c", position=1, prompt="more", **EDITED)
EXECUTION = execution_process.ExecutionProcess(
    id="e",
    session_id="c",
    workspace_id="w",
    run_reason=execution_process.RunReason.CODING_AGENT,
    executor_action=MappingProxyType({"executor": "CLAUDE_CODE"}),
    started_at=TIME,
    **EDITED,
)
TURN = execution_process.CodingAgentTurn(
    id="u", execution_process_id="e", summary="done", usage={"used": 5}, **EDITED
)
STATE = execution_process.ExecutionProcessRepoState(
    id="s", execution_process_id="e", repo_id="r", before_head_commit="abc", **EDITED
)
OPTION = approval.ApprovalOption(id="o1", kind="allow_once", name="Allow")
APPROVAL = approval.Approval(
    id="a",
    execution_process_id="e",
    request_id="3",
    sentence="Write?",
    options=(OPTION,),
    **EDITED,
)
APPROVAL_VIEW = views.ApprovalView(
    approval=APPROVAL, task_id="t", workspace_id="w", conversation_id="c"
)
DIRECT = merge.Merge(
    id="m",
    workspace_id="w",
    repo_id="r",
    target_branch_name="main",
    merge_type=merge.MergeType.DIRECT,
    merge_commit="abc",
    **EDITED,
)
PULL_REQUEST = merge.Merge(
    id="m",
    workspace_id="w",
    repo_id="r",
    target_branch_name="main",
    merge_type=merge.MergeType.PULL_REQUEST,
    pr_number=7,
    pr_url="https://example.org/7",
    pr_status=merge.PullRequestStatus.OPEN,
    **EDITED,
)
WAITING = run.WaitingRun(id="x", plan_id="y", why="limit", place=1, **EDITED)
TASK_VIEW = views.TaskView(task=TASK, flags=TaskFlags(running=True, workspace_count=2))
PROJECT_VIEW = views.ProjectView(
    project=PROJECT, repo_ids=("r",), task_count=1, running=False, needs_you=True
)
WORKSPACE_VIEW = views.WorkspaceView(
    workspace=WORKSPACE,
    repos=(WORKSPACE_REPO,),
    running=True,
    needs_you=False,
    conversation_id="c",
    executor="CODEX",
    waiting=WAITING,
)
CONVERSATION_VIEW = views.ConversationView(
    id="c",
    task_id="t",
    workspace_id="w",
    sessions=(SESSION,),
    executions=(EXECUTION,),
    turns=(TURN,),
    approvals=(APPROVAL,),
    queue=(QUEUED,),
)
PLACE = views.Place(project=PROJECT, repo=REPO)
ITEM = AttentionItem(
    id="a",
    kind="approval",
    task=TASK,
    workspace_id="w",
    conversation_id="c",
    execution_id="e",
    sentence="Write?",
    options=(OPTION,),
    since=TIME,
)
ATTEMPT = Attempt(
    workspace=WORKSPACE, repo=REPO, link=WORKSPACE_REPO, merges=(), last_turn_commit=None
)
STATUS = RepoStatus(
    attempt=ATTEMPT,
    head_commit="abc",
    ahead=1,
    behind=0,
    unmerged=True,
    target_exists=True,
    status=Status(
        staged=("a",), modified=("a", "b"), untracked=("c",), conflicted=(), operation="rebase"
    ),
)


def file_change(path: str, status: str = "modified", **values) -> FileChange:
    given = {"additions": 1, "deletions": 2, "is_binary": False, "old_path": None} | values
    return FileChange(path=path, status=status, old_mode="100644", new_mode="100644", **given)


AGENT = Availability(
    agent=Description(
        id="claude-acp", name="Claude Code", executor="CLAUDE_CODE", modes={Policy.ASK: "default"}
    ),
    installed=False,
    downloads=True,
)


def sent(value: msgspec.Struct, kind: type[msgspec.Struct]):
    """The JSON of a value, after it was decoded as the protocol says and came back the same."""
    encoded = msgspec.json.encode(value)
    assert msgspec.json.decode(encoded, type=kind) == value
    return msgspec.json.decode(encoded)


CONVERTED = [
    (to_protocol.project(PROJECT_VIEW), wire_projects.Project),
    (to_protocol.project_repo(LINK), wire_projects.ProjectRepo),
    (to_protocol.repo(REPO), wire_repos.Repo),
    (to_protocol.task(TASK_VIEW), wire_tasks.Task),
    (to_protocol.workspace(WORKSPACE_VIEW), wire_workspaces.Workspace),
    (to_protocol.workspace_repo(WORKSPACE_REPO), wire_workspaces.WorkspaceRepo),
    (to_protocol.waiting("w", WAITING), wire_workspaces.WaitingRun),
    (to_protocol.session(SESSION), wire_workspaces.Session),
    (to_protocol.queued_prompt(QUEUED), wire_conversations.QueuedPrompt),
    (to_protocol.execution(EXECUTION), wire_executions.ExecutionProcess),
    (to_protocol.execution(EXECUTION, whole=True), wire_executions.ExecutionProcess),
    (to_protocol.repo_state(STATE), wire_executions.ExecutionProcessRepoState),
    (to_protocol.turn(TURN), wire_executions.CodingAgentTurn),
    (to_protocol.approval(APPROVAL_VIEW), wire_approvals.Approval),
    (to_protocol.attention(ITEM), wire_attention.AttentionItem),
    (to_protocol.conversation(CONVERSATION_VIEW), wire_conversations.Conversation),
    (to_protocol.merge(DIRECT), wire_merges.Merge),
    (to_protocol.merge(PULL_REQUEST), wire_merges.Merge),
    (to_protocol.repo_status(STATUS), wire_workspaces.RepoStatus),
    (to_protocol.agent(AGENT, is_default=True), wire_agents.Agent),
    (to_protocol.current(PLACE), wire_struct.Current),
]


@pytest.mark.parametrize(("value", "kind"), CONVERTED, ids=lambda each: type(each).__name__)
def test_what_is_sent_decodes_as_its_type(value, kind):
    sent(value, kind)


# What stays with us, and what the wire writes in another form.
NOT_ON_THE_WIRE = {
    "CodingAgentTurn": {"folded_seq"},
    "Merge": {"pr_number", "pr_url", "pr_status", "pr_merged_at", "pr_merge_commit_sha"},
}


@pytest.mark.parametrize(
    ("entity", "kind"),
    [
        (PROJECT, wire_projects.Project),
        (LINK, wire_projects.ProjectRepo),
        (REPO, wire_repos.Repo),
        (TASK, wire_tasks.Task),
        (WORKSPACE, wire_workspaces.Workspace),
        (WORKSPACE_REPO, wire_workspaces.WorkspaceRepo),
        (SESSION, wire_workspaces.Session),
        (QUEUED, wire_conversations.QueuedPrompt),
        (EXECUTION, wire_executions.ExecutionProcess),
        (STATE, wire_executions.ExecutionProcessRepoState),
        (TURN, wire_executions.CodingAgentTurn),
        (APPROVAL, wire_approvals.Approval),
        (DIRECT, wire_merges.Merge),
    ],
    ids=lambda each: type(each).__name__ if is_dataclass(each) else "",
)
def test_an_entity_has_all_its_fields_on_the_wire(entity, kind):
    own = {field.name for field in fields(entity)}
    left_out = NOT_ON_THE_WIRE.get(type(entity).__name__, set())
    assert own - set(kind.__struct_fields__) == left_out


def test_a_list_leaves_long_texts_out_and_says_so():
    short = sent(to_protocol.task(TASK_VIEW), wire_tasks.Task)
    assert "description" not in short
    assert short["hasDescription"] is True
    assert short["title"] == "empty 🛒"
    assert (short["running"], short["needsYou"], short["workspaceCount"]) == (True, False, 2)
    assert sent(to_protocol.task(TASK_VIEW, whole=True), wire_tasks.Task)["description"] == "long"


def test_statuses_are_written_as_they_are_stored():
    assert sent(to_protocol.task(TASK_VIEW), wire_tasks.Task)["status"] == "Todo"
    execution = sent(to_protocol.execution(EXECUTION), wire_executions.ExecutionProcess)
    assert (execution["runReason"], execution["status"]) == ("CodingAgent", "Running")
    assert execution["exitCode"] is None


def test_a_pull_request_has_its_facts_under_pr_info():
    value = sent(to_protocol.merge(PULL_REQUEST), wire_merges.Merge)
    assert value["mergeType"] == "PrMerge"
    assert value["prInfo"] == {
        "number": 7,
        "url": "https://example.org/7",
        "status": "open",
        "mergedAt": None,
        "mergeCommitSha": None,
    }
    assert sent(to_protocol.merge(DIRECT), wire_merges.Merge)["prInfo"] is None


def test_a_conversation_tells_what_its_newest_parts_say():
    value = sent(to_protocol.conversation(CONVERSATION_VIEW), wire_conversations.Conversation)
    assert value["status"] == "Running"
    assert value["summary"] == "done"
    assert (value["seen"], value["running"], value["needsYou"]) == (False, True, True)
    assert (value["sessionCount"], value["queuedCount"]) == (1, 1)


def test_a_repo_status_counts_each_file_once():
    value = sent(to_protocol.repo_status(STATUS), wire_workspaces.RepoStatus)
    assert (value["uncommittedFiles"], value["untrackedFiles"]) == (2, 1)
    assert value["operation"] == "rebase"


def test_a_diff_has_counts_for_text_and_none_for_binaries():
    diff = RepoDiff(
        attempt=ATTEMPT,
        base_commit="abc",
        files=(
            file_change("a.py"),
            file_change("b.py", "renamed", old_path="old.py"),
            file_change("c.png", "added", is_binary=True),
            file_change("d.py", "unmerged"),
            file_change("e.py", "deleted"),
        ),
        patches={"a.py": "@@"},
        omitted={"c.png": "binary"},
    )
    values = [sent(each, wire_diffs.FileDiff) for each in to_protocol.file_diffs(diff)]
    statuses = [each["status"] for each in values]
    assert statuses == ["modified", "renamed", "added", "conflicted", "deleted"]
    assert [each["additions"] for each in values] == [1, 1, None, 1, 1]
    assert values[0]["uri"] == "file:///w/1-empty/shop/a.py"
    assert "uri" not in values[4]
    assert values[0]["patch"] == "@@"
    assert values[1]["oldPath"] == "old.py"
    assert "patch" not in values[2]
    assert values[2]["omitted"] == "binary"


def test_a_merge_preview_tells_what_would_happen_or_why_not():
    preview = Preview(
        target_commit="a",
        source_commit="b",
        ahead=2,
        behind=1,
        files=(file_change("a.py"),),
        conflicts=("a.py",),
    )
    refusal = Conflict("It would conflict.", kind="conflicts")
    both = RepoPreview(attempt=ATTEMPT, preview=preview, refusal=refusal)
    value = sent(to_protocol.merge_preview(both), wire_merges.RepoMergePreview)
    assert (value["ahead"], value["behind"]) == (2, 1)
    assert (value["files"], value["conflicts"]) == (["a.py"], ["a.py"])
    assert value["refusal"] == {"kind": "conflicts", "sentence": "It would conflict."}

    neither = RepoPreview(attempt=ATTEMPT, preview=None, refusal=None)
    value = sent(to_protocol.merge_preview(neither), wire_merges.RepoMergePreview)
    assert value["ahead"] == 0
    assert "refusal" not in value


PLACED = {"index": 4, "seq": 9, "t": 1795423493239}
TEXTS = [
    entry.UserMessage,
    entry.AgentMessage,
    entry.Thought,
    entry.Stderr,
    entry.ScriptOutput,
    entry.Unreadable,
]
ENTRIES = [
    *(kind(**PLACED, text="x", message_id="m") for kind in TEXTS),
    entry.ToolCall(
        **PLACED,
        tool_call_id="c1",
        title="Edit",
        tool_kind="edit",
        status="completed",
        content=(
            entry.ToolText(text="x"),
            entry.ToolDiff(path="a", old_text=None, new_text="b"),
            entry.ToolTerminal(terminal_id="1"),
            entry.ToolMedia(media="image", text="a picture"),
        ),
        locations=(entry.Location(path="a", line=3),),
        raw_input="{}",
        output="$",
        exit_code=0,
    ),
    entry.Plan(**PLACED, items=(entry.PlanItem(content="look"),)),
    entry.PermissionRequest(
        **PLACED,
        request_id="3",
        tool_call_id="c1",
        sentence="Write?",
        options=(OPTION,),
        outcome=entry.PermissionOutcome.SELECTED,
        option_id="o1",
    ),
    entry.ModeChange(**PLACED, mode_id="plan", name="Plan"),
    entry.Usage(**PLACED, used=5, size=100, cost=0.25, currency="USD"),
    entry.AvailableCommands(**PLACED, commands=(entry.AvailableCommand(name="init"),)),
    entry.SessionBoundary(**PLACED, agent_session_id="s", start=entry.SessionStart.RESUMED),
    entry.Compaction(**PLACED, compaction_id="k", status="done"),
    entry.Notice(**PLACED, severity="info", title="x"),
    entry.Stop(**PLACED, stop_reason="end_turn", usage={"inputTokens": 5}),
    entry.Error(**PLACED, reason="needsLogin", sentence="Log in.", code=-32000),
    entry.Unknown(**PLACED, name="dream", raw="{}"),
]


def test_every_kind_of_entry_is_tried():
    assert {each.kind for each in ENTRIES} == set(entry.EntryKind)


@pytest.mark.parametrize("one", ENTRIES, ids=lambda each: str(each.kind))
def test_an_entry_keeps_all_that_it_says(one):
    value = to_protocol.entry("e", one)
    encoded = msgspec.json.encode(value)
    assert msgspec.json.decode(encoded, type=wire_entries.Entry) == value
    plain = msgspec.json.decode(encoded)
    assert plain["kind"] == one.kind
    assert (plain["executionId"], plain["index"], plain["seq"]) == ("e", 4, 9)
    missing = {each.name for each in fields(one)} - set(type(value).__struct_fields__)
    assert missing == set()


def test_what_a_tool_shows_is_told_apart_by_its_type():
    call = next(each for each in ENTRIES if isinstance(each, entry.ToolCall))
    content = msgspec.to_builtins(to_protocol.entry("e", call))["content"]
    assert [part["type"] for part in content] == ["text", "diff", "terminal", "media"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"is_new": True}, {"op", "executionId", "index", "entry"}),
        ({"is_new": False}, {"op", "executionId", "index", "entry"}),
        ({"is_new": False, "appended": " more"}, {"op", "executionId", "index", "text"}),
    ],
)
def test_a_text_that_grows_is_not_sent_again(change, expected):
    told = EntryChange(execution_id="e", session_id="s", index=4, entry=ENTRIES[0], **change)
    assert set(sent(to_protocol.entry_change(told), wire_conversations.EntryChange)) == expected
