// The view "Needs you": what waits for a person, the oldest first.

import * as vscode from "vscode";
import { attentionRow } from "../labels";
import type { Row } from "../labels";
import { Tree, itemOf } from "./tree";
import type { Node } from "./tree";

const CLICKS: Record<string, string> = {
  approval: "branchwork.answer",
  heldPrompt: "branchwork.showQueue",
};

export class NeedsYouTree extends Tree {
  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind !== "attention") {
      throw new Error(`a row of another tree: ${node.kind}`);
    }
    const command = CLICKS[node.item.kind] ?? "branchwork.showConversation";
    return itemOf(node, node.item.id, this.rowOf(node), command);
  }

  protected childrenOf(node?: Node): Node[] {
    return node === undefined ? this.live.board.attention.map((item) => ({ kind: "attention", item })) : [];
  }

  protected rowOf(node: Node): Row | undefined {
    return node.kind === "attention" ? attentionRow(node.item, Date.now()) : undefined;
  }
}
