// Commands about Branchwork itself: how it is, starting again, finding the server.

import * as vscode from "vscode";
import { register } from "../branchwork";
import type { Branchwork } from "../branchwork";
import type { Connection } from "../connection";
import { shortened } from "../labels";
import { daemonStatus } from "../protocol";
import type { DaemonStatusResult } from "../protocol";

export function daemonCommands({ connection }: Branchwork): vscode.Disposable {
  return register({
    showStatus: async () => {
      const status = await connection.ask(daemonStatus, {});
      const detail = statusLines(status).join("\n");
      const options = { modal: true, detail };
      const title = `Branchwork ${status.version}`;
      const pressed = await vscode.window.showInformationMessage(title, options, "Copy", "Show Log");
      if (pressed === "Copy") {
        await vscode.env.clipboard.writeText(`${title}\n${detail}`);
      } else if (pressed === "Show Log") {
        connection.log.show();
      }
    },
    installServer: () => installServer(connection),
    restart: () => connection.restart(),
    showOutput: () => connection.log.show(),
    chooseServer: () => vscode.commands.executeCommand("workbench.action.openSettings", "branchwork.server.command"),
  });
}

async function installServer(connection: Connection): Promise<void> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: "Installing Branchwork's server",
    cancellable: true,
  };
  await vscode.window.withProgress(options, async (progress, token) => {
    const aborting = new AbortController();
    token.onCancellationRequested(() => aborting.abort());
    const report = (line: string): void => {
      connection.log.info(line);
      progress.report({ message: shortened(line.trim()) });
    };
    try {
      await connection.installation.install(report, aborting.signal);
    } catch (problem) {
      // Whoever cancels it knows.
      if (!token.isCancellationRequested) {
        throw problem;
      }
      return;
    }
    await connection.restart();
  });
}

/** What one would ask for when something is wrong. */
export function statusLines(status: DaemonStatusResult): string[] {
  const lines: [string, string | number | null][] = [
    ["Problem", status.problem ?? null],
    ["Daemon", `process ${status.pid}, for ${duration(status.uptimeSeconds)}`],
    ["Protocol", status.protocolVersion],
    ["Data", status.dataFolder],
    ["Connections", status.connections],
    ["Running", status.runningExecutions],
    ["git", status.gitVersion ?? "not found"],
    ["SQLite", status.sqliteVersion],
  ];
  return lines.filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`);
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) {
    return `${Math.floor(seconds)} s`;
  }
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
