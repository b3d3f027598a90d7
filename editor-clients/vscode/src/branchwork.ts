// What every command has at hand: the connection, the board, and a way to be registered.

import * as vscode from "vscode";
import { sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { unlinked } from "./labels";
import type { Live } from "./live";

export interface Branchwork {
  connection: Connection;
  live: Live;
  /** The ids of tasks that this window has made, so that they are shown where they are. */
  created: vscode.EventEmitter<string>;
}

type Handler = (...parameters: never[]) => unknown;

/** The client's own commands; what begins with `branchwork.server.` belongs to the server. */
export function register(handlers: Record<string, Handler>): vscode.Disposable {
  const registered = Object.entries(handlers).map(([verb, handler]) =>
    vscode.commands.registerCommand(`branchwork.${verb}`, (...parameters: never[]) => told(() => handler(...parameters))),
  );
  return vscode.Disposable.from(...registered);
}

/** What fails is told as a sentence; VS Code would show more than a person wants to know. */
export async function told(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (problem) {
    if (problem instanceof vscode.CancellationError) {
      return undefined;
    }
    showProblem(problem);
    return undefined;
  }
}

/** What went wrong, as the server or the system says it. */
export function showProblem(problem: unknown): void {
  void vscode.window.showErrorMessage(unlinked(sentenceOf(problem)));
}

/** An information with buttons: what the one that was pressed does is told like a command. */
export function inform(message: string, buttons: Record<string, () => unknown> = {}): void {
  void vscode.window.showInformationMessage(unlinked(message), ...Object.keys(buttons)).then((pressed) => {
    const work = pressed === undefined ? undefined : buttons[pressed];
    return work === undefined ? undefined : told(work);
  });
}
