// The view "Workspaces": every attempt that is not archived, what is at work first.

import * as vscode from "vscode";
import { workspaceRow } from "../labels";
import type { Live } from "../live";
import type { Workspace } from "../protocol";
import { Tree, clicked, itemOf } from "./tree";
import type { Node } from "./tree";

export class WorkspacesTree extends Tree {
  constructor(private readonly live: Live) {
    super();
  }

  getChildren(node?: Node): Node[] {
    if (node !== undefined) {
      return [];
    }
    const sorted = this.live.board.workspacesOf().sort((one, other) => rank(one) - rank(other));
    return sorted.map((workspace) => ({ kind: "workspace", id: workspace.id, isChild: false }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const { board } = this.live;
    const workspace = node.kind === "workspace" ? board.workspaces.get(node.id) : undefined;
    if (workspace === undefined) {
      return new vscode.TreeItem("");
    }
    const row = workspaceRow(workspace, board, this.live.doing(workspace.id), Date.now());
    return clicked(itemOf(workspace.id, row), "branchwork.showConversation", node);
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
