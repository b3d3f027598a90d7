// Commands about what was done: log, diff, merge, archive, the worktree.

import { join } from "node:path";
import * as vscode from "vscode";
import { inform, register } from "../branchwork";
import type { Branchwork } from "../branchwork";
import { showDiff } from "../diff";
import { mergeSentence, shortened } from "../labels";
import type { LogTerminals } from "../logTerminal";
import { workspaceMerge, workspaceMergePreview, workspaceStop, workspaceUpdate } from "../protocol";
import type { Workspace, WorkspaceMergePreviewResult } from "../protocol";
import { chosenWorkspace } from "./targets";
import type { Target } from "./targets";

export function reviewCommands(branchwork: Branchwork, logs: LogTerminals): vscode.Disposable {
  return register({
    showLog: async (target: Target) => {
      const workspace = await chosenWorkspace(branchwork, target);
      return workspace && logs.show(workspace);
    },
    showDiff: (target: Target) => diff(branchwork, target),
    merge: (target: Target) => merge(branchwork, target),
    archive: (target: Target) => archive(branchwork, target),
    openWorktree: (target: Target) => openWorktree(branchwork, target),
    openTerminal: (target: Target) => openTerminal(branchwork, target),
    copyBranch: async (target: Target) => {
      const workspace = await chosenWorkspace(branchwork, target);
      return workspace && vscode.env.clipboard.writeText(workspace.branch);
    },
    pin: (target: Target) => pin(branchwork, target, true),
    unpin: (target: Target) => pin(branchwork, target, false),
  });
}

async function diff(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  if (workspace === undefined) {
    return;
  }
  const title = titleOf(branchwork, workspace);
  if ((await showDiff(branchwork.connection, workspace, title)) === "empty") {
    inform(`“${shortened(title)}” has changed no file.`);
  }
}

async function merge(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  if (workspace === undefined) {
    return;
  }
  const preview = await branchwork.connection.ask(workspaceMergePreview, { workspaceId: workspace.id });
  const message = await confirmed(branchwork, workspace, preview);
  if (message === undefined) {
    return;
  }
  const { merges, task } = await branchwork.connection.tell(workspaceMerge, { workspaceId: workspace.id, message });
  const branches = [...new Set(merges.map((one) => one.targetBranchName))].join(", ");
  inform(`Merged “${shortened(task.title)}” into ${branches}.`, {
    "Archive the Workspace": () => archive(branchwork, { kind: "workspace", id: workspace.id, isChild: false }),
  });
}

/** The commit message to merge with; undefined where the person does not want to, or can't. */
async function confirmed(
  branchwork: Branchwork,
  workspace: Workspace,
  preview: WorkspaceMergePreviewResult,
): Promise<string | undefined> {
  const { repos } = branchwork.live.board;
  const isOne = preview.repos.length === 1;
  const sentences = preview.repos.map((one) =>
    mergeSentence(one, isOne ? undefined : repos.get(one.repoId)?.displayName),
  );
  const title = shortened(titleOf(branchwork, workspace));
  const target = { kind: "workspace" as const, id: workspace.id, isChild: false };
  if (preview.repos.every((one) => one.refusal !== undefined)) {
    const conflicts = preview.repos.flatMap((one) => one.conflicts);
    const detail = [...sentences, ...conflicts.map((path) => `• ${path}`)].join("\n");
    const pressed = await vscode.window.showWarningMessage(`“${title}” can't be merged now.`, { modal: true, detail }, "Show Diff");
    return pressed && (await diff(branchwork, target), undefined);
  }
  const files = preview.repos.flatMap((one) => one.files);
  const detail = [...sentences, ...listed(files), "", "The commit's message:", ...preview.message.split("\n").slice(0, MOST_LINES)].join("\n");
  const pressed = await vscode.window.showInformationMessage(
    `Merge “${title}”?`,
    { modal: true, detail },
    "Merge",
    "Edit the Title…",
    "Show Diff",
  );
  switch (pressed) {
    case "Merge":
      return preview.message;
    case "Edit the Title…":
      return edited(preview.message, `Merge “${title}”`);
    case "Show Diff":
      await diff(branchwork, target);
      return undefined;
    default:
      return undefined;
  }
}

const MOST_FILES = 10;
const MOST_LINES = 12;

function listed(files: readonly string[]): string[] {
  const more = files.length - MOST_FILES;
  return [...files.slice(0, MOST_FILES).map((path) => `• ${path}`), ...(more > 0 ? [`• and ${more} more`] : [])];
}

/** An input box has one line, so the rest of the message stays. */
async function edited(message: string, title: string): Promise<string | undefined> {
  const [subject = "", ...rest] = message.split("\n");
  const prompt = "The first line of the commit's message. Enter merges.";
  const changed = await vscode.window.showInputBox({ title, prompt, value: subject });
  return changed === undefined || changed.trim() === "" ? undefined : [changed, ...rest].join("\n");
}

async function archive(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  if (workspace === undefined) {
    return;
  }
  const { connection, live } = branchwork;
  if (live.board.runningIn(workspace.id).length > 0) {
    const detail = "Something runs in it. It is stopped first; what was written so far stays.";
    const question = `Archive “${shortened(titleOf(branchwork, workspace))}”?`;
    const pressed = await vscode.window.showWarningMessage(question, { modal: true, detail }, "Stop and Archive");
    if (pressed === undefined) {
      return;
    }
    await connection.tell(workspaceStop, { workspaceId: workspace.id });
  }
  await connection.tell(workspaceUpdate, { workspaceId: workspace.id, archived: true });
}

async function pin(branchwork: Branchwork, target: Target, pinned: boolean): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  if (workspace !== undefined) {
    await branchwork.connection.tell(workspaceUpdate, { workspaceId: workspace.id, pinned });
  }
}

async function openWorktree(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  const folder = workspace && folderOf(workspace);
  if (folder !== undefined) {
    await vscode.commands.executeCommand("vscode.openFolder", vscode.Uri.file(folder), { forceNewWindow: true });
  }
}

async function openTerminal(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  const folder = workspace && folderOf(workspace);
  if (workspace !== undefined && folder !== undefined) {
    vscode.window.createTerminal({ name: workspace.branch, cwd: folder }).show();
  }
}

/** The worktree; of several, the folder that holds them all. */
function folderOf({ containerRef, repos }: Workspace): string | undefined {
  const [only, another] = repos;
  if (containerRef === null || only === undefined || another !== undefined) {
    return containerRef ?? undefined;
  }
  return join(containerRef, only.directory);
}

function titleOf({ live }: Branchwork, workspace: Workspace): string {
  return live.board.taskOf(workspace)?.title ?? workspace.branch;
}
