// What the three trees share: nodes with rows, painted anew when the board has changed.

import * as vscode from "vscode";
import type { Row } from "../labels";
import type { Live } from "../live";
import type { AttentionItem, TaskStatus } from "../protocol";

/** What a command gets from the menu of a row. */
export type Node =
  | { kind: "status"; status: TaskStatus }
  | { kind: "task"; id: string }
  | { kind: "workspace"; id: string; isChild: boolean }
  | { kind: "attention"; item: AttentionItem };

export abstract class Tree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private waiting = 0;
  readonly onDidChangeTreeData = this.changed.event;

  constructor(protected readonly live: Live) {}

  /** Everything is asked for again; VS Code keeps what is the same by its id. */
  refresh(): void {
    // Who waits for the first board gets it anyway, a turn of the extension host sooner.
    if (this.waiting === 0) {
      this.changed.fire();
    }
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node === undefined) {
      this.waiting += 1;
      await this.live.settled();
      this.waiting -= 1;
    }
    return this.childrenOf(node);
  }

  /** VS Code asks for it when the mouse rests on a row. */
  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    const tooltip = this.rowOf(node)?.tooltip;
    item.tooltip = tooltip === undefined ? undefined : new vscode.MarkdownString(tooltip, true);
    return item;
  }

  dispose(): void {
    this.changed.dispose();
  }

  abstract getTreeItem(node: Node): vscode.TreeItem;
  protected abstract childrenOf(node?: Node): Node[];
  /** Undefined for what is gone by now. */
  protected abstract rowOf(node: Node): Row | undefined;
}

/** A row as VS Code wants it, with what a click on it does. */
export function itemOf(
  node: Node,
  id: string,
  row: Row | undefined,
  command: string,
  state = vscode.TreeItemCollapsibleState.None,
): vscode.TreeItem {
  if (row === undefined) {
    return new vscode.TreeItem("");
  }
  const item = new vscode.TreeItem(row.label, state);
  item.id = id;
  item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(
    row.icon,
    row.color === undefined ? undefined : new vscode.ThemeColor(row.color),
  );
  item.contextValue = row.kinds.join(" ");
  item.command = { title: "Open", command, arguments: [node] };
  return item;
}
