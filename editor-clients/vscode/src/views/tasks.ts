// The view "Tasks": by status; a task with several attempts has them below it.

import * as vscode from "vscode";
import { STATUSES, statusName, taskRow, workspaceRow } from "../labels";
import type { Live } from "../live";
import type { Task, TaskStatus } from "../protocol";
import { Tree, clicked, itemOf } from "./tree";
import type { Node } from "./tree";

const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
const OVER: readonly TaskStatus[] = ["Done", "Cancelled"];
const MIME = "application/vnd.code.tree.branchwork.tasks";

export class TasksTree extends Tree implements vscode.TreeDragAndDropController<Node> {
  readonly dragMimeTypes = [MIME];
  readonly dropMimeTypes = [MIME];
  /** Only tasks of this project; undefined for all. */
  projectId: string | undefined;

  constructor(
    private readonly live: Live,
    private readonly move: (taskId: string, status: TaskStatus) => Promise<void>,
  ) {
    super();
  }

  getChildren(node?: Node): Node[] {
    const { board } = this.live;
    switch (node?.kind) {
      case undefined:
        return STATUSES.filter((status) => this.tasks(status).length > 0).map((status) => ({ kind: "status", status }));
      case "status":
        return this.tasks(node.status).map((task) => ({ kind: "task", id: task.id }));
      case "task": {
        const attempts = board.workspacesOf(node.id);
        return attempts.length > 1
          ? attempts.map((workspace) => ({ kind: "workspace", id: workspace.id, isChild: true }))
          : [];
      }
      default:
        return [];
    }
  }

  /** VS Code asks for it when a row is to be shown. */
  getParent(node: Node): Node | undefined {
    const { board } = this.live;
    if (node.kind === "task") {
      const status = board.tasks.get(node.id)?.status;
      return status && { kind: "status", status };
    }
    const workspace = node.kind === "workspace" ? board.workspaces.get(node.id) : undefined;
    return workspace && { kind: "task", id: workspace.taskId };
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case "status":
        return this.groupItem(node.status);
      case "task":
        return this.taskItem(node);
      case "workspace":
        return this.workspaceItem(node);
      default:
        throw new Error(`a row of another tree: ${node.kind}`);
    }
  }

  handleDrag(nodes: readonly Node[], data: vscode.DataTransfer): void {
    const ids = nodes.flatMap((node) => (node.kind === "task" ? [node.id] : []));
    data.set(MIME, new vscode.DataTransferItem(ids));
  }

  async handleDrop(target: Node | undefined, data: vscode.DataTransfer): Promise<void> {
    const status = this.statusOf(target);
    const ids: unknown = data.get(MIME)?.value;
    if (status === undefined || !Array.isArray(ids)) {
      return;
    }
    for (const id of ids) {
      await this.move(String(id), status);
    }
  }

  private statusOf(node: Node | undefined): TaskStatus | undefined {
    if (node?.kind === "status") {
      return node.status;
    }
    return node?.kind === "task" ? this.live.board.tasks.get(node.id)?.status : undefined;
  }

  private tasks(status: TaskStatus): Task[] {
    return this.live.board.tasksOf(status, this.projectId);
  }

  private groupItem(status: TaskStatus): vscode.TreeItem {
    const item = new vscode.TreeItem(statusName(status), OVER.includes(status) ? Collapsed : Expanded);
    item.id = `status ${status}`;
    item.description = String(this.tasks(status).length);
    item.contextValue = "status";
    return item;
  }

  private taskItem(node: Node & { kind: "task" }): vscode.TreeItem {
    const { board } = this.live;
    const task = board.tasks.get(node.id);
    if (task === undefined) {
      return new vscode.TreeItem("");
    }
    const attempts = board.workspacesOf(task.id);
    const doing = attempts.map((one) => this.live.doing(one.id)).find((words) => words !== undefined);
    const row = taskRow(task, board, doing, Date.now());
    return clicked(itemOf(task.id, row, attempts.length > 1 ? Collapsed : None), "branchwork.showTask", node);
  }

  private workspaceItem(node: Node & { kind: "workspace" }): vscode.TreeItem {
    const { board } = this.live;
    const workspace = board.workspaces.get(node.id);
    if (workspace === undefined) {
      return new vscode.TreeItem("");
    }
    const row = workspaceRow(workspace, board, this.live.doing(workspace.id), Date.now(), true);
    return clicked(itemOf(workspace.id, row), "branchwork.showConversation", node);
  }
}
