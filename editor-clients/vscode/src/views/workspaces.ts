// The view "Workspaces": every attempt that is not archived, what is at work first.

import * as vscode from "vscode";
import { workspaceRow } from "../labels";
import type { Row } from "../labels";
import type { Workspace } from "../protocol";
import { Tree, itemOf } from "./tree";
import type { Node } from "./tree";

export class WorkspacesTree extends Tree {
  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind !== "workspace") {
      throw new Error(`a row of another tree: ${node.kind}`);
    }
    return itemOf(node, node.id, this.rowOf(node), "branchwork.showConversation");
  }

  protected childrenOf(node?: Node): Node[] {
    if (node !== undefined) {
      return [];
    }
    const sorted = this.live.board.workspacesOf().sort((one, other) => rank(one) - rank(other));
    return sorted.map((workspace) => ({ kind: "workspace", id: workspace.id, isChild: false }));
  }

  protected rowOf(node: Node): Row | undefined {
    const { board } = this.live;
    const workspace = node.kind === "workspace" ? board.workspaces.get(node.id) : undefined;
    return workspace && workspaceRow(workspace, board, this.live.doing(workspace.id), Date.now());
  }
}

function rank(workspace: Workspace): number {
  if (workspace.pinned) {
    return 0;
  }
  if (workspace.needsYou) {
    return 1;
  }
  return workspace.running ? 2 : 3;
}
