// What the three trees share: nodes with rows, painted anew when the board has changed.

import * as vscode from "vscode";
import type { Row } from "../labels";
import type { AttentionItem, TaskStatus } from "../protocol";

/** What a command gets from the menu of a row. */
export type Node =
  | { kind: "status"; status: TaskStatus }
  | { kind: "task"; id: string }
  | { kind: "workspace"; id: string; isChild: boolean }
  | { kind: "attention"; item: AttentionItem };

export abstract class Tree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;

  /** Everything is asked for again; VS Code keeps what is the same by its id. */
  refresh(): void {
    this.changed.fire();
  }

  dispose(): void {
    this.changed.dispose();
  }

  abstract getChildren(node?: Node): Node[];
  abstract getTreeItem(node: Node): vscode.TreeItem;
}

/** A row as VS Code wants it. */
export function itemOf(
  id: string,
  row: Row,
  state = vscode.TreeItemCollapsibleState.None,
): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, state);
  item.id = id;
  item.description = row.description;
  item.tooltip = new vscode.MarkdownString(row.tooltip, true);
  item.iconPath = new vscode.ThemeIcon(
    row.icon,
    row.color === undefined ? undefined : new vscode.ThemeColor(row.color),
  );
  item.contextValue = row.kinds.join(" ");
  return item;
}

/** What a click on a row does. */
export function clicked(item: vscode.TreeItem, command: string, node: Node): vscode.TreeItem {
  item.command = { title: "Open", command, arguments: [node] };
  return item;
}
