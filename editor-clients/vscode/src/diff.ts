// The changes of a workspace in VS Code's own editor for several diffs. The left sides come from
// the daemon, the right sides are the files of the worktree.

import * as vscode from "vscode";
import type { Connection } from "./connection";
import { diffTitle } from "./labels";
import { workspaceBaseFile, workspaceDiff } from "./protocol";
import type { FileDiff, Workspace } from "./protocol";

const SCHEME = "branchwork-base";

interface Base {
  workspaceId: string;
  repoId: string;
  /** Where it was before a rename. */
  path: string;
}

/** Whether there was something to show. */
export async function showDiff(
  connection: Connection,
  workspace: Workspace,
  title: string,
): Promise<"shown" | "empty"> {
  const { files } = await connection.ask(workspaceDiff, { workspaceId: workspace.id });
  if (files.length === 0) {
    return "empty";
  }
  const at = Date.now();
  const resources = files.map((file) => resourceOf(workspace.id, file, at));
  await vscode.commands.executeCommand("vscode.changes", diffTitle(title, files), resources);
  return "shown";
}

export function registerBaseFiles(connection: Connection): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: async (uri, token) => {
      const base = JSON.parse(uri.query) as Base;
      const { workspaceId, repoId, path } = base;
      const { text, omitted } = await connection.ask(workspaceBaseFile, { workspaceId, repoId, path }, token);
      return text ?? (omitted === undefined ? "" : `(${omitted === "tooLarge" ? "too large to show" : omitted})`);
    },
  });
}

type Resource = [label: vscode.Uri, left: vscode.Uri | undefined, right: vscode.Uri | undefined];

function resourceOf(workspaceId: string, file: FileDiff, at: number): Resource {
  const right = file.uri === undefined ? undefined : vscode.Uri.parse(file.uri);
  const base: Base & { at: number } = { workspaceId, repoId: file.repoId, path: file.oldPath ?? file.path, at };
  // The time makes another document of it, because what it shows may be different by then.
  const path = leftPath(file, right);
  const left = vscode.Uri.from({ scheme: SCHEME, path, query: JSON.stringify(base) });
  return [right ?? left, file.status === "added" ? undefined : left, right];
}

/** The path of the right side, unless it was renamed: VS Code would call it so otherwise. */
function leftPath(file: FileDiff, right: vscode.Uri | undefined): string {
  const old = file.oldPath ?? file.path;
  return right === undefined ? `/${old}` : right.path.slice(0, right.path.length - file.path.length) + old;
}
