// The view "Tasks": by status; a task with several attempts has them below it.

import * as vscode from "vscode";
import { STATUSES, statusName, taskRow, workspaceRow } from "../labels";
import type { Row } from "../labels";
import type { Live } from "../live";
import type { Task, TaskStatus } from "../protocol";
import { Tree, itemOf } from "./tree";
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
    live: Live,
    private readonly move: (taskId: string, status: TaskStatus) => Promise<void>,
  ) {
    super(live);
  }

  protected childrenOf(node?: Node): Node[] {
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
      case "task": {
        const state = this.live.board.workspacesOf(node.id).length > 1 ? Collapsed : None;
        return itemOf(node, node.id, this.rowOf(node), "branchwork.showTask", state);
      }
      case "workspace":
        return itemOf(node, node.id, this.rowOf(node), "branchwork.showConversation");
      default:
        throw new Error(`a row of another tree: ${node.kind}`);
    }
  }

  protected rowOf(node: Node): Row | undefined {
    const { board } = this.live;
    const task = node.kind === "task" ? board.tasks.get(node.id) : undefined;
    const workspace = node.kind === "workspace" ? board.workspaces.get(node.id) : undefined;
    if (workspace !== undefined) {
      return workspaceRow(workspace, board, this.live.doing(workspace.id), Date.now(), true);
    }
    return task && taskRow(task, board, this.doingIn(task), Date.now());
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

  private doingIn(task: Task): string | undefined {
    const words = this.live.board.workspacesOf(task.id).map((one) => this.live.doing(one.id));
    return words.find((word) => word !== undefined);
  }
}
