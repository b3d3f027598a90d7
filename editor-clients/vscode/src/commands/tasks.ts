// Commands about tasks: making them, moving them, showing them.

import * as vscode from "vscode";
import { inform, register } from "../branchwork";
import type { Branchwork } from "../branchwork";
import { STATUSES, shortened, statusName } from "../labels";
import { documentOpen, serverCommands, taskCreate, taskDelete, taskUpdate } from "../protocol";
import type {
  DocumentKind,
  Task,
  TaskCreateAndStartResult,
  TaskCreateParams,
  TaskCreateResult,
  TaskStatus,
} from "../protocol";
import { chosenTask } from "./targets";
import type { Target } from "./targets";

export function taskCommands(branchwork: Branchwork): vscode.Disposable {
  return vscode.Disposable.from(
    register({
      createTask: () => createFromTitle(branchwork),
      createTaskFromSelection: () => createFromSelection(branchwork),
      createTaskFromDiagnostic: () => createFromDiagnostic(branchwork),
      showTask: (target: Target) => showTask(branchwork, target),
      showBoard: () => openDocument(branchwork, "board"),
      renameTask: (target: Target) => rename(branchwork, target),
      setStatus: (target: Target) => setStatus(branchwork, target),
      deleteTask: (target: Target) => remove(branchwork, target),
    }),
    branchwork.connection.onRan(({ command, result }) => tellWhatRan(branchwork, command, result)),
  );
}

/** The server writes the document and has this window open it. */
export async function openDocument({ connection }: Branchwork, kind: DocumentKind, id?: string): Promise<void> {
  await connection.ask(documentOpen, { kind, show: true, ...(id === undefined ? {} : { id }) });
}

export async function moveTask({ connection, live }: Branchwork, taskId: string, status: TaskStatus): Promise<void> {
  const task = live.board.tasks.get(taskId);
  if (task !== undefined && task.status !== status) {
    await connection.tell(taskUpdate, { taskId, status, expectedRevision: task.revision });
  }
}

async function createFromTitle(branchwork: Branchwork): Promise<void> {
  const place = await placeOfTitle(branchwork);
  if (place === undefined) {
    return;
  }
  const title = await vscode.window.showInputBox({
    title: "New task",
    prompt: "What should be done? A title; the task's document takes a description.",
    placeHolder: "Handle an empty cart",
  });
  if (title !== undefined && title.trim() !== "") {
    await create(branchwork, { ...place, title });
  }
}

/** The project of this window, else the one of a folder that it has open, else any. */
async function placeOfTitle({ live }: Branchwork): Promise<TaskCreateParams | undefined> {
  const { projectId } = live.current;
  if (projectId !== undefined) {
    return { projectId };
  }
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 1) {
    return { uri: String(folders[0]?.uri) };
  }
  if (folders.length > 1) {
    const folder = await vscode.window.showWorkspaceFolderPick({ placeHolder: "In which folder's repository?" });
    return folder && { uri: String(folder.uri) };
  }
  const projects = [...live.board.projects.values()].map(({ name, id }) => ({ label: name, projectId: id }));
  if (projects.length === 0) {
    void vscode.window.showInformationMessage("Open a folder of a git repository first.");
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(projects, { placeHolder: "In which project?" });
  return picked && { projectId: picked.projectId };
}

async function createFromSelection(branchwork: Branchwork): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || editor.selection.isEmpty) {
    void vscode.window.showInformationMessage("Select some code first.");
    return;
  }
  await create(branchwork, {
    uri: String(editor.document.uri),
    range: plain(editor.selection),
    selection: editor.document.getText(editor.selection),
    languageId: editor.document.languageId,
  });
}

async function createFromDiagnostic(branchwork: Branchwork): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const line = editor?.selection.active.line ?? 0;
  const found = vscode.languages
    .getDiagnostics(editor?.document.uri ?? vscode.Uri.parse("untitled:"))
    .filter(({ range }) => range.start.line <= line && line <= range.end.line);
  if (editor === undefined || found.length === 0) {
    void vscode.window.showInformationMessage("Put the cursor on a problem first.");
    return;
  }
  const items = found.map((one) => ({ label: one.message, description: one.source ?? "", one }));
  const picked =
    items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { placeHolder: "Which problem?" });
  if (picked !== undefined) {
    const { message, range, severity, source } = picked.one;
    await create(branchwork, {
      uri: String(editor.document.uri),
      range: plain(range),
      languageId: editor.document.languageId,
      diagnostic: { message, range: plain(range), severity: severity + 1, ...(source === undefined ? {} : { source }) },
    });
  }
}

async function create(branchwork: Branchwork, params: TaskCreateParams): Promise<void> {
  const { task, notes } = await branchwork.connection.tell(taskCreate, params);
  tellCreated(branchwork, task, notes);
}

function tellCreated(branchwork: Branchwork, task: Task, notes: readonly string[]): void {
  const target: Target = { kind: "task", id: task.id };
  branchwork.created.fire(task.id);
  inform([`Task created: “${shortened(task.title)}”.`, ...notes].join(" "), {
    "Start…": () => vscode.commands.executeCommand("branchwork.startTask", target),
    Open: () => showTask(branchwork, target),
  });
}

/** A code action or a document did something: say so, as the same command of ours would. */
function tellWhatRan(branchwork: Branchwork, command: string, result: unknown): void {
  if (command === serverCommands.taskCreate && isObject(result) && "task" in result) {
    const { task, notes } = result as unknown as TaskCreateResult;
    tellCreated(branchwork, task, notes);
  } else if (command === serverCommands.taskCreateAndStart && isObject(result) && "workspace" in result) {
    const { task, workspace, notes } = result as unknown as TaskCreateAndStartResult;
    tellStarted(task, workspace.id, notes);
  }
}

export function tellStarted(task: Task | undefined, workspaceId: string, notes: readonly string[]): void {
  const target: Target = { kind: "workspace", id: workspaceId, isChild: false };
  inform([`Started: “${shortened(task?.title ?? "a task")}”.`, ...notes].join(" "), {
    "Show Log": () => vscode.commands.executeCommand("branchwork.showLog", target),
  });
}

async function showTask(branchwork: Branchwork, target: Target): Promise<void> {
  const task = await chosenTask(branchwork, target);
  if (task !== undefined) {
    await openDocument(branchwork, "task", task.id);
  }
}

async function rename(branchwork: Branchwork, target: Target): Promise<void> {
  const task = await chosenTask(branchwork, target);
  const title = task && (await vscode.window.showInputBox({ title: "Rename the task", value: task.title }));
  if (task !== undefined && title !== undefined && title.trim() !== "" && title !== task.title) {
    await branchwork.connection.tell(taskUpdate, { taskId: task.id, title, expectedRevision: task.revision });
  }
}

async function setStatus(branchwork: Branchwork, target: Target): Promise<void> {
  const task = await chosenTask(branchwork, target);
  if (task === undefined) {
    return;
  }
  const others = STATUSES.filter((status) => status !== task.status);
  const items = others.map((status) => ({ label: statusName(status), status }));
  const picked = await vscode.window.showQuickPick(items, { placeHolder: `Move “${shortened(task.title)}” to` });
  if (picked !== undefined) {
    await moveTask(branchwork, task.id, picked.status);
  }
}

async function remove(branchwork: Branchwork, target: Target): Promise<void> {
  const task = await chosenTask(branchwork, target);
  if (task === undefined) {
    return;
  }
  const stops = task.running ? "What runs for it is stopped. " : "";
  const detail = `${stops}Its branches stay in the repository, and what its worktrees held is kept as snapshots.`;
  const pressed = await vscode.window.showWarningMessage(
    `Delete “${shortened(task.title)}”?`,
    { modal: true, detail },
    "Delete",
  );
  if (pressed === "Delete") {
    await branchwork.connection.tell(taskDelete, { taskId: task.id, stopRunning: task.running });
  }
}

function plain({ start, end }: vscode.Range) {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
