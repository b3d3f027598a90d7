// Commands about Branchwork itself: how it is, installing its server, starting it again.

import * as vscode from "vscode";
import { register } from "../branchwork";
import type { Branchwork } from "../branchwork";
import type { Connection } from "../connection";
import { shortened, unlinked } from "../labels";
import { doctorText } from "../doctorText";
import { daemonDoctor } from "../protocol";

const SCHEME = "branchwork-doctor";
// The name is that of its tab.
const REPORT = vscode.Uri.from({ scheme: SCHEME, path: "/Branchwork Doctor" });

export function daemonCommands({ connection }: Branchwork): vscode.Disposable {
  const asked = new vscode.EventEmitter<vscode.Uri>();
  const reports = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: asked.event,
    provideTextDocumentContent: async (_uri, token) => {
      const { checks } = await connection.ask(daemonDoctor, {}, token);
      return doctorText(checks);
    },
  });
  const commands = register({
    doctor: async () => {
      // One that is open already is looked at again.
      asked.fire(REPORT);
      await vscode.window.showTextDocument(REPORT, { preview: false });
    },
    installServer: () => installServer(connection),
    restart: () => connection.restart(),
    showOutput: () => connection.log.show(),
    chooseServer: () => vscode.commands.executeCommand("workbench.action.openSettings", "branchwork.server.command"),
  });
  return vscode.Disposable.from(asked, reports, commands);
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
      progress.report({ message: unlinked(shortened(line.trim())) });
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
