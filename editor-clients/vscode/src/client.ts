// The language client and what it says to the server of itself. It is large, so it is a bundle of
// its own: a window is activated and the server started before it is read.

import type { ChildProcess } from "node:child_process";
import type * as vscode from "vscode";
import { CloseAction, ErrorAction, LanguageClient, State } from "vscode-languageclient/node";
import type { DynamicFeature, StaticFeature } from "vscode-languageclient/node";
import * as protocol from "./protocol";

/** What the client needs, and who hears of what it has to say. */
export interface Hooks {
  log: vscode.LogOutputChannel;
  options: protocol.InitializationOptions;
  /** Starts the server. */
  spawn(): Promise<ChildProcess>;
  /** Whether the progress is shown already. */
  showsWork(token: string | number, work: { kind: string; message?: string }): boolean;
  /** Runs a command of the server's by `next`. */
  run(command: string, next: () => unknown): Promise<unknown>;
  running(): void;
  /** The server has ended; whether to start it again. */
  ended(): boolean;
  changed(params: protocol.ChangedParams): void;
  attentionChanged(params: protocol.AttentionChangedParams): void;
  reconnected(): void;
}

export function makeClient(id: string, name: string, hooks: Hooks): LanguageClient {
  const client = new QuietClient(id, name, () => hooks.spawn(), {
    documentSelector: [{ scheme: "file" }],
    outputChannel: hooks.log,
    initializationOptions: hooks.options,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: hooks.ended() ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true }),
    },
    initializationFailedHandler: () => false,
    middleware: {
      handleWorkDoneProgress: (token, work, next) => {
        if (!hooks.showsWork(token, work)) {
          next(token, work);
        }
      },
      executeCommand: (command, parameters, next) => hooks.run(command, () => next(command, parameters)),
    },
  });
  client.registerFeature(new Abilities());
  client.onNotification(protocol.changed, (params) => hooks.changed(params));
  client.onNotification(protocol.attentionChanged, (params) => hooks.attentionChanged(params));
  client.onNotification(protocol.reconnected, () => hooks.reconnected());
  client.onDidChangeState(({ newState }) => newState === State.Running && hooks.running());
  return client;
}

/** Problems are told by the views and by messages, without the stack that the library would show. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** What we can do, and that we want to hear of everything. */
class Abilities implements StaticFeature {
  fillClientCapabilities(capabilities: { experimental?: object }): void {
    const branchwork: protocol.ClientCapabilities = {
      protocolVersion: protocol.protocolVersion,
      features: ["attention"],
      subscribe: "all",
    };
    capabilities.experimental = { ...capabilities.experimental, branchwork };
  }

  initialize(): void {}

  getState(): ReturnType<DynamicFeature<unknown>["getState"]> {
    return { kind: "static" };
  }

  clear(): void {}
}
