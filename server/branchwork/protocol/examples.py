"""Values for the examples of the protocol page, as JSON: plain data without any type of ours."""

from typing import Any

Json = dict[str, Any]

PROJECT_ID = "019ac0de-0000-7000-8000-00000000a001"
REPO_ID = "019ac0de-0000-7000-8000-00000000b001"
TASK_ID = "019ac0de-0000-7000-8000-00000000c001"
WORKSPACE_ID = "019ac0de-0000-7000-8000-00000000d001"
CONVERSATION_ID = "019ac0de-0000-7000-8000-00000000e001"
EXECUTION_ID = "019ac0de-0000-7000-8000-00000000f001"
APPROVAL_ID = "019ac0de-0000-7000-8000-000000010001"

TIME = "2026-11-23T08:44:53.239Z"
BASE_COMMIT = "3f786850e387550fdab836ed7e6dc881de23001b"
HEAD_COMMIT = "89e6c98d92887913cadf06b2adb97f26cde4849b"
BRANCH = "vk-00d001-handle-empty-input"
DOCUMENT_URI = f"file:///home/me/.local/share/branchwork/documents/task/{TASK_ID}.branchwork.md"

READING: Json = {"epoch": "e1", "seq": 813}
EDITED: Json = {"createdAt": TIME, "updatedAt": TIME, "revision": 1}
RANGE: Json = {"start": {"line": 11, "character": 4}, "end": {"line": 11, "character": 19}}

PROJECT: Json = {
    "id": PROJECT_ID,
    "name": "shop",
    "defaultAgentWorkingDir": None,
    "remoteProjectId": None,
    **EDITED,
    "repoIds": [REPO_ID],
    "taskCount": 1,
    "running": True,
    "needsYou": False,
}
PROJECT_REPO: Json = {
    "projectId": PROJECT_ID,
    "repoId": REPO_ID,
    "setupScript": "npm ci",
    "cleanupScript": None,
    "copyFiles": None,
    "parallelSetupScript": None,
    **EDITED,
}
REPO: Json = {
    "id": REPO_ID,
    "path": "/r/shop",
    "name": "shop",
    "displayName": "shop",
    "setupScript": None,
    "cleanupScript": None,
    "archiveScript": None,
    "copyFiles": None,
    "parallelSetupScript": False,
    "devServerScript": None,
    "defaultTargetBranch": "main",
    "defaultWorkingDir": None,
    "autoCommit": True,
    **EDITED,
}
TASK: Json = {
    "id": TASK_ID,
    "projectId": PROJECT_ID,
    "title": "handle empty input",
    "hasDescription": True,
    "status": "InProgress",
    "parentWorkspaceId": None,
    **EDITED,
    "running": True,
    "needsYou": False,
    "workspaceCount": 1,
}
TASK_WITH_DESCRIPTION: Json = {
    **TASK,
    "description": "src/cart.py:12\n\n```python\nreturn items[0]\n```",
}
NEW_TASK: Json = {
    **TASK_WITH_DESCRIPTION,
    "status": "Todo",
    "running": False,
    "workspaceCount": 0,
}
WORKSPACE_REPO: Json = {
    "id": "019ac0de-0000-7000-8000-00000000d101",
    "workspaceId": WORKSPACE_ID,
    "repoId": REPO_ID,
    "targetBranch": "main",
    "baseCommit": BASE_COMMIT,
    "directory": "shop",
    **EDITED,
}
WORKSPACE: Json = {
    "id": WORKSPACE_ID,
    "taskId": TASK_ID,
    "containerRef": "/home/me/.branchwork/worktrees/00d001-handle-empty-input",
    "branch": BRANCH,
    "agentWorkingDir": "shop",
    "setupCompletedAt": TIME,
    "archived": False,
    "pinned": False,
    "name": "handle empty input",
    "isolation": "worktree",
    "portBase": 20010,
    **EDITED,
    "repos": [WORKSPACE_REPO],
    "running": True,
    "needsYou": False,
    "conversationId": CONVERSATION_ID,
}
SESSION: Json = {
    "id": CONVERSATION_ID,
    "workspaceId": WORKSPACE_ID,
    "conversationId": CONVERSATION_ID,
    "executor": "CLAUDE_CODE",
    **EDITED,
}
EXECUTION: Json = {
    "id": EXECUTION_ID,
    "sessionId": CONVERSATION_ID,
    "workspaceId": WORKSPACE_ID,
    "repoId": None,
    "planId": "019ac0de-0000-7000-8000-00000000f101",
    "step": 0,
    "runReason": "CodingAgent",
    "status": "Running",
    "exitCode": None,
    "dropped": False,
    "stopRequestedAt": None,
    "endedReason": None,
    "endedSentence": None,
    "attention": None,
    "startedAt": TIME,
    "completedAt": None,
    **EDITED,
}
EXECUTION_KILLED: Json = {
    **EXECUTION,
    "status": "Killed",
    "exitCode": -15,
    "stopRequestedAt": TIME,
    "endedReason": "stopped",
    "endedSentence": "Stopped by a person.",
    "completedAt": TIME,
}
REPO_STATE: Json = {
    "id": "019ac0de-0000-7000-8000-00000000f201",
    "executionProcessId": EXECUTION_ID,
    "repoId": REPO_ID,
    "beforeHeadCommit": BASE_COMMIT,
    "afterHeadCommit": None,
    "mergeCommit": None,
    **EDITED,
}
TURN: Json = {
    "id": "019ac0de-0000-7000-8000-00000000f301",
    "executionProcessId": EXECUTION_ID,
    "agentSessionId": "4d4c2c8b",
    "agentMessageId": None,
    "prompt": "handle empty input",
    "summary": None,
    "seen": False,
    "stopReason": None,
    "usage": None,
    **EDITED,
}
OPTIONS: list[Json] = [
    {"id": "o1", "kind": "allow_once", "name": "Allow"},
    {"id": "o2", "kind": "reject_once", "name": "Reject"},
]
APPROVAL: Json = {
    "id": APPROVAL_ID,
    "executionProcessId": EXECUTION_ID,
    "requestId": "3",
    "toolCallId": "call_1",
    "sentence": "Write src/cart.py?",
    "options": OPTIONS,
    "status": "Pending",
    "optionId": None,
    "answeredBy": None,
    "answeredAt": None,
    **EDITED,
    "taskId": TASK_ID,
    "workspaceId": WORKSPACE_ID,
    "conversationId": CONVERSATION_ID,
}
APPROVAL_ANSWERED: Json = {
    **APPROVAL,
    "status": "Answered",
    "optionId": "o1",
    "answeredBy": "Neovim",
    "answeredAt": TIME,
    "revision": 2,
}
ATTENTION_ITEM: Json = {
    "id": APPROVAL_ID,
    "kind": "approval",
    "taskId": TASK_ID,
    "taskTitle": "handle empty input",
    "workspaceId": WORKSPACE_ID,
    "conversationId": CONVERSATION_ID,
    "executionId": EXECUTION_ID,
    "sentence": "Write src/cart.py?",
    "options": OPTIONS,
    "since": TIME,
}
FILE_DIFF: Json = {
    "repoId": REPO_ID,
    "path": "src/cart.py",
    "uri": "file:///home/me/.branchwork/worktrees/00d001-handle-empty-input/shop/src/cart.py",
    "status": "modified",
    "additions": 1,
    "deletions": 0,
    "binary": False,
    "patch": "@@ -11,1 +11,2 @@\n+    if not items: return None\n     return items[0]\n",
}
MERGE: Json = {
    "id": "019ac0de-0000-7000-8000-000000011001",
    "workspaceId": WORKSPACE_ID,
    "repoId": REPO_ID,
    "targetBranchName": "main",
    "mergeType": "DirectMerge",
    "mergeCommit": "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
    "mergedHead": HEAD_COMMIT,
    "prInfo": None,
    **EDITED,
}
CONVERSATION: Json = {
    "id": CONVERSATION_ID,
    "workspaceId": WORKSPACE_ID,
    "taskId": TASK_ID,
    "executor": "CLAUDE_CODE",
    "sessionCount": 1,
    "status": "Running",
    "summary": None,
    "seen": False,
    "running": True,
    "needsYou": True,
    "queuedCount": 0,
    "createdAt": TIME,
    "updatedAt": TIME,
}
QUEUED_PROMPT: Json = {
    "id": "019ac0de-0000-7000-8000-000000012001",
    "conversationId": CONVERSATION_ID,
    "position": 1,
    "prompt": "Add a test.",
    "heldBecause": None,
    **EDITED,
}
ENTRY: Json = {
    "kind": "agent_message",
    "executionId": EXECUTION_ID,
    "index": 2,
    "seq": 17,
    "t": 1795423493239,
    "text": "The cart",
}
CHANGE: Json = {
    "entity": "task",
    "id": TASK_ID,
    "op": "update",
    "revision": 1,
    "projectId": PROJECT_ID,
    "value": TASK,
}
AGENT: Json = {
    "id": "claude-acp",
    "executor": "CLAUDE_CODE",
    "name": "Claude Code",
    "version": "0.101.0",
    "available": True,
    "installed": True,
    "loggedIn": None,
    "modes": ["ask", "edit", "bypass", "plan"],
    "canResume": True,
    "isDefault": True,
}
SETTING: Json = {
    "name": "agents_at_once",
    "scope": "daemon",
    "value": 4,
    "default": 4,
    "doc": "How many agents run at once; the others wait.",
}
DAEMON_STATUS: Json = {
    "version": "0.1.0",
    "protocolVersion": 1,
    "pid": 4711,
    "uptimeSeconds": 61.5,
    "dataFolder": "/home/me/.local/share/branchwork",
    "connections": 2,
    "runningExecutions": 1,
    "gitVersion": "2.39.5",
    "sqliteVersion": "3.46.1",
    "schemaRevision": "0001",
    "safeMode": False,
    "current": {"projectId": PROJECT_ID, "repoId": REPO_ID},
}
CHECKS: list[Json] = [
    {
        "id": "log",
        "group": "Server",
        "status": "info",
        "sentence": "Its log is /home/me/.local/share/branchwork/log/daemon.log.",
    },
    {
        "id": "gitIdentity",
        "group": "Git",
        "status": "warning",
        "sentence": "git does not know who you are: commits and merges will fail.",
        "advice": 'Run `git config --global user.name "Your Name"`\n'
        "and `git config --global user.email you@example.org`.",
    },
]
