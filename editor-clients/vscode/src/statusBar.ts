// The status bar: how many run, how many wait, or what is wrong.

import * as vscode from "vscode";
import type { Connection } from "./connection";
import { statusText } from "./labels";
import type { Live } from "./live";

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("branchwork", vscode.StatusBarAlignment.Left, 10);

  constructor(
    private readonly connection: Connection,
    private readonly live: Live,
  ) {
    this.item.name = "Branchwork";
    this.item.show();
  }

  refresh(): void {
    const { life, problem } = this.connection;
    const wrong = this.live.problem ?? problem;
    if (life === "starting") {
      this.show("$(loading~spin) Branchwork", "Connecting…", "branchwork.showOutput");
    } else if (life !== "ready" || wrong !== "") {
      this.show("$(robot) Branchwork $(warning)", wrong, "branchwork.needsYou.focus");
    } else {
      this.showBoard();
    }
  }

  dispose(): void {
    this.item.dispose();
  }

  private showBoard(): void {
    const { board } = this.live;
    const waiting = board.attention.length;
    const tooltip = waiting > 0 ? "Show what needs you" : "Show the tasks";
    const view = waiting > 0 ? "branchwork.needsYou.focus" : "branchwork.tasks.focus";
    this.show(statusText(board.runningCount, waiting), tooltip, view);
  }

  private show(text: string, tooltip: string, command: string): void {
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.command = command;
  }
}
