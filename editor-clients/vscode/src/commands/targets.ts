// What a command is about: the row that it was called on, else what the person picks.

import * as vscode from "vscode";
import type { Branchwork } from "../branchwork";
import { aboutOf } from "../conversations";
import { attentionRow, taskRow, workspaceRow } from "../labels";
import type { Row } from "../labels";
import type { AttentionItem, Task, Workspace } from "../protocol";
import type { Node } from "../views/tree";

export type Target = Node | vscode.Uri | undefined;

/** Undefined where the person picks none. */
export async function chosenTask(
  { live }: Branchwork,
  target: Target,
  isWanted: (task: Task) => boolean = () => true,
): Promise<Task | undefined> {
  const { board } = live;
  const id = taskIdOf(nodeOf(target), board.workspaces);
  if (id !== undefined) {
    return board.tasks.get(id);
  }
  const tasks = [...board.tasks.values()].filter(isWanted).reverse();
  return pick(tasks, (task) => taskRow(task, board, undefined, Date.now()), "Which task?", "There is no such task.");
}

/** The newest attempt at a task is meant where a task is. */
export async function chosenWorkspace(
  { live }: Branchwork,
  target: Target,
  isWanted: (workspace: Workspace) => boolean = () => true,
): Promise<Workspace | undefined> {
  const { board } = live;
  const rowOf = (workspace: Workspace): Row => workspaceRow(workspace, board, undefined, Date.now());
  const node = nodeOf(target);
  switch (node?.kind) {
    case "workspace":
      return board.workspaces.get(node.id);
    case "attention":
      return board.workspaces.get(node.item.workspaceId);
    case "task":
      return pick(board.workspacesOf(node.id), rowOf, "Which attempt?", "Nothing was started for this task yet.");
    default: {
      const found = board.workspacesOf().filter(isWanted);
      return pick(found, rowOf, "Which workspace?", "There is no such workspace.");
    }
  }
}

export async function chosenItem(
  { live }: Branchwork,
  target: Target,
  isWanted: (item: AttentionItem) => boolean,
): Promise<AttentionItem | undefined> {
  const { board } = live;
  const node = nodeOf(target);
  if (node?.kind === "attention") {
    return node.item;
  }
  const workspaceId = node?.kind === "workspace" ? node.id : undefined;
  const taskId = node?.kind === "task" ? node.id : undefined;
  const found = board.attention.filter(
    (item) =>
      isWanted(item) &&
      (workspaceId === undefined || item.workspaceId === workspaceId) &&
      (taskId === undefined || item.taskId === taskId),
  );
  return pick(found, (item) => attentionRow(item, Date.now()), "Which one?", "Nothing waits for an answer.");
}

/** A conversation that is open stands for its workspace, also where the command names nothing. */
function nodeOf(target: Target): Node | undefined {
  const uri = target ?? vscode.window.activeTextEditor?.document.uri;
  if (!(uri instanceof vscode.Uri)) {
    return uri;
  }
  const about = aboutOf(uri);
  return about && { kind: "workspace", id: about.workspaceId, isChild: false };
}

/** The only one is not asked about. */
async function pick<Entity>(
  entities: readonly Entity[],
  rowOf: (entity: Entity) => Row,
  question: string,
  none: string,
): Promise<Entity | undefined> {
  if (entities.length <= 1) {
    if (entities.length === 0) {
      void vscode.window.showInformationMessage(none);
    }
    return entities[0];
  }
  const items = entities.map((entity) => {
    const row = rowOf(entity);
    return { label: `$(${row.icon}) ${row.label}`, description: row.description, entity };
  });
  const picked = await vscode.window.showQuickPick(items, { placeHolder: question, matchOnDescription: true });
  return picked?.entity;
}

function taskIdOf(node: Node | undefined, workspaces: ReadonlyMap<string, Workspace>): string | undefined {
  switch (node?.kind) {
    case "task":
      return node.id;
    case "workspace":
      return workspaces.get(node.id)?.taskId;
    case "attention":
      return node.item.taskId;
    default:
      return undefined;
  }
}
