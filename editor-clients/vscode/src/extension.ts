// Puts everything together; nothing is decided here.

import * as vscode from "vscode";
import { Activity } from "./activity";
import { dimAnchors } from "./anchors";
import { inform } from "./branchwork";
import type { Branchwork } from "./branchwork";
import { daemonCommands } from "./commands/daemon";
import { queueCommands } from "./commands/queue";
import { reviewCommands } from "./commands/reviews";
import { runCommands } from "./commands/runs";
import { moveTask, taskCommands } from "./commands/tasks";
import { Connection, isForConnection } from "./connection";
import { Conversations } from "./conversations";
import { registerBaseFiles } from "./diff";
import { Installation } from "./installation";
import { Live } from "./live";
import { LogTerminals } from "./logTerminal";
import { registerNotices } from "./notices";
import { StatusBar } from "./statusBar";
import { registerViews } from "./views/views";

export function activate(context: vscode.ExtensionContext): Branchwork {
  const log = vscode.window.createOutputChannel("Branchwork", { log: true });
  const activity = new Activity();
  const installation = new Installation(context.asAbsolutePath("server"), context.globalStorageUri.fsPath);
  const connection = new Connection(log, installation, context.globalState, (token, work) => activity.take(token, work));
  const live = new Live(connection, activity);
  const branchwork: Branchwork = { connection, live, created: new vscode.EventEmitter() };
  const logs = new LogTerminals(connection, live);
  const conversations = new Conversations(connection, live);
  const statusBar = new StatusBar(connection, live);
  const showState = (): void => {
    statusBar.refresh();
    void vscode.commands.executeCommand("setContext", "branchwork.state", stateOf(branchwork));
  };
  context.subscriptions.push(
    log,
    connection,
    live,
    logs,
    statusBar,
    conversations,
    registerViews(branchwork, (taskId, status) => moveTask(branchwork, taskId, status)),
    registerBaseFiles(connection),
    dimAnchors(),
    registerNotices(connection, live),
    taskCommands(branchwork),
    runCommands(branchwork, conversations),
    queueCommands(branchwork),
    reviewCommands(branchwork, logs),
    daemonCommands(branchwork),
    live.onChange(showState),
    connection.onLife((life) => life === "missing" && tellMissing(connection.problem)),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (isForConnection(change)) {
        void connection.restart();
      }
    }),
  );
  showState();
  void connection.start();
  return branchwork;
}

function tellMissing(problem: string): void {
  inform(problem, {
    "Install It": () => vscode.commands.executeCommand("branchwork.installServer"),
    "Choose Its Command": () => vscode.commands.executeCommand("branchwork.chooseServer"),
  });
}

/** What the views' welcomes are about: starting, ready, missing, stopped or safeMode. */
function stateOf({ connection, live }: Branchwork): string {
  if (connection.life !== "ready") {
    return connection.life;
  }
  if (live.problem !== undefined) {
    return "safeMode";
  }
  return live.board.isBlank ? "starting" : "ready";
}
