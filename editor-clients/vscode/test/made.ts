// Entities for tests, complete but for what a test is about.

import type { AttentionItem, ChangedParams, ExecutionProcess, Snapshot, Task, Workspace } from "../src/protocol";

const EDITED = { createdAt: "2026-11-23T08:00:00.000Z", updatedAt: "2026-11-23T08:00:00.000Z", revision: 1 };

export function task(more: Partial<Task> = {}): Task {
  return {
    id: "t1",
    projectId: "p1",
    title: "handle empty input",
    hasDescription: false,
    status: "Todo",
    parentWorkspaceId: null,
    running: false,
    needsYou: false,
    workspaceCount: 0,
    ...EDITED,
    ...more,
  };
}

export function workspace(more: Partial<Workspace> = {}): Workspace {
  return {
    id: "w1",
    taskId: "t1",
    containerRef: "/worktrees/w1",
    branch: "vk-w1-handle",
    agentWorkingDir: null,
    setupCompletedAt: null,
    archived: false,
    pinned: false,
    name: null,
    isolation: "worktree",
    portBase: null,
    repos: [],
    running: false,
    needsYou: false,
    ...EDITED,
    ...more,
  };
}

export function execution(more: Partial<ExecutionProcess> = {}): ExecutionProcess {
  return {
    id: "e1",
    sessionId: "s1",
    workspaceId: "w1",
    repoId: null,
    planId: null,
    step: null,
    runReason: "CodingAgent",
    status: "Running",
    exitCode: null,
    dropped: false,
    stopRequestedAt: null,
    endedReason: null,
    endedSentence: null,
    attention: null,
    startedAt: EDITED.createdAt,
    completedAt: null,
    ...EDITED,
    ...more,
  };
}

export function item(more: Partial<AttentionItem> = {}): AttentionItem {
  return {
    id: "a1",
    kind: "approval",
    taskId: "t1",
    taskTitle: "handle empty input",
    workspaceId: "w1",
    conversationId: "c1",
    sentence: "Write prices.py?",
    since: EDITED.createdAt,
    ...more,
  };
}

export function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return { projects: [], repos: [], tasks: [], workspaces: [], executions: [], attention: [], ...more };
}

export function changed(seq: number, changes: ChangedParams["changes"], more: Partial<ChangedParams> = {}): ChangedParams {
  return { epoch: "e", seq, changes, ...more };
}
