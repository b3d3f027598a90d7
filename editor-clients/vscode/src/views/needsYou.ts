// The view "Needs you": what waits for a person, the oldest first.

import * as vscode from "vscode";
import { attentionRow } from "../labels";
import type { Live } from "../live";
import { Tree, clicked, itemOf } from "./tree";
import type { Node } from "./tree";

const CLICKS: Record<string, string> = {
  approval: "branchwork.answer",
  heldPrompt: "branchwork.showQueue",
};

export class NeedsYouTree extends Tree {
  constructor(private readonly live: Live) {
    super();
  }

  getChildren(node?: Node): Node[] {
    return node === undefined ? this.live.board.attention.map((item) => ({ kind: "attention", item })) : [];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind !== "attention") {
      throw new Error(`a row of another tree: ${node.kind}`);
    }
    const { item } = node;
    const row = itemOf(item.id, attentionRow(item, Date.now()));
    return clicked(row, CLICKS[item.kind] ?? "branchwork.showConversation", node);
  }
}
