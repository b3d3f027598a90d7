// The connection to the server: its life, its requests, and what it says by itself.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as vscode from "vscode";
import type { CancellationToken, LanguageClient, ProgressType, RequestType } from "vscode-languageclient/node";
import type { Hooks } from "./client.js";
import type { Installation } from "./installation";
import { unlinked } from "./labels";
import type * as protocol from "./protocol";
import { findServer, fingerprint, languageServer } from "./server";

/** `missing`: there is no command to start; `stopped`: it was started and would not stay. */
export type Life = "starting" | "ready" | "missing" | "stopped";

class Missing extends Error {
  constructor(command: string) {
    super(`Branchwork's server was not found: there is no command ${command}.`);
  }
}

const MOST_STARTS = 4;
const WITHIN_MILLISECONDS = 180_000;
const SECTION = "branchwork";
const REMEMBERED = "server";

/** What a command said to be its fastest form. */
interface Remembered {
  asked: string;
  said: string[];
}

export class Connection implements vscode.Disposable {
  private client: LanguageClient | undefined;
  /** Counts the starts: what belongs to an earlier one has nothing to say any more. */
  private starts = 0;
  private command: string[] = [];
  private readonly ends: number[] = [];
  private readonly lifeChanged = new vscode.EventEmitter<Life>();
  private readonly changed = new vscode.EventEmitter<protocol.ChangedParams>();
  private readonly attentionChanged = new vscode.EventEmitter<protocol.AttentionChangedParams>();
  private readonly reconnected = new vscode.EventEmitter<void>();
  private readonly ran = new vscode.EventEmitter<{ command: string; result: unknown }>();
  readonly onLife = this.lifeChanged.event;
  readonly onChanged = this.changed.event;
  readonly onAttentionChanged = this.attentionChanged.event;
  /** Another daemon answers; what was read from the one before is to be brought up to date. */
  readonly onReconnected = this.reconnected.event;
  /** A command of the server's was run, by a code action or a document. */
  readonly onRan = this.ran.event;
  life: Life = "starting";
  /** Why it is not ready, as a sentence for a person. */
  problem = "";

  constructor(
    readonly log: vscode.LogOutputChannel,
    readonly installation: Installation,
    private readonly memory: vscode.Memento,
    private readonly showsWork: Hooks["showsWork"],
  ) {}

  /** Never rejects: what is wrong is in `life` and `problem`. */
  async start(): Promise<void> {
    this.become("starting");
    const start = ++this.starts;
    try {
      this.command = this.foundCommand();
      // The server starts while the client is read.
      const children = [this.spawn()];
      const { makeClient } = await import("./client.js");
      if (start !== this.starts) {
        (await children[0])?.kill();
        return;
      }
      const spawn = (): Promise<ChildProcess> => children.pop() ?? this.spawn();
      this.client = makeClient(SECTION, "Branchwork", { ...this.hooks(start), spawn });
      await this.client.start();
    } catch (problem) {
      if (start === this.starts) {
        this.fail(problem);
      }
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async dispose(): Promise<void> {
    await this.stop();
  }

  /** Resolves when requests can be sent, now or later. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.life === "ready") {
        resolve();
        return;
      }
      const listening = this.onLife((life) => {
        if (life === "ready") {
          listening.dispose();
          resolve();
        }
      });
    });
  }

  /** Asks, and asks again where the daemon went away meanwhile: only for what changes nothing. */
  async ask<Params, Result>(
    type: RequestType<Params, Result, void>,
    params: Params,
    token?: CancellationToken,
  ): Promise<Result> {
    try {
      return await this.tell(type, params, token);
    } catch (problem) {
      if (!isRetryable(problem)) {
        throw problem;
      }
      return await this.tell(type, params, token);
    }
  }

  /** Sends a request once. */
  async tell<Params, Result>(
    type: RequestType<Params, Result, void>,
    params: Params,
    token?: CancellationToken,
  ): Promise<Result> {
    if (this.client === undefined || this.life !== "ready") {
      throw new Error(this.problem || "Branchwork's server is not ready yet.");
    }
    // By its name, because a token that is left out must not become a second parameter.
    return await this.client.sendRequest<Result>(type.method, params, ...(token === undefined ? [] : [token]));
  }

  /** A request whose result comes in parts, until it ends or is cancelled. */
  async stream<Params extends { partialResultToken?: string | number }, Result, Part>(
    type: RequestType<Params, Result, void>,
    parts: ProgressType<Part>,
    params: Params,
    take: (part: Part) => void,
    token: CancellationToken,
  ): Promise<Result> {
    const partialResultToken = `stream-${++streams}`;
    const listening = this.client?.onProgress(parts, partialResultToken, take);
    try {
      return await this.tell(type, { ...params, partialResultToken }, token);
    } finally {
      listening?.dispose();
    }
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.starts += 1;
    try {
      await client?.dispose();
    } catch (problem) {
      this.log.warn(`stopping the server: ${sentenceOf(problem)}`);
    }
  }

  private become(life: Life, problem = ""): void {
    this.life = life;
    this.problem = problem;
    this.lifeChanged.fire(life);
  }

  private fail(problem: unknown): void {
    this.log.error(sentenceOf(problem));
    this.become(problem instanceof Missing ? "missing" : "stopped", sentenceOf(problem));
  }

  private hooks(start: number): Omit<Hooks, "spawn"> {
    return {
      log: this.log,
      options: showing(),
      showsWork: this.showsWork,
      run: (command, next) => this.run(command, next),
      running: () => start === this.starts && this.become("ready"),
      ended: () => start === this.starts && this.startsAgain(),
      changed: (params) => this.changed.fire(params),
      attentionChanged: (params) => this.attentionChanged.fire(params),
      reconnected: () => this.reconnected.fire(),
    };
  }

  /** Raises Missing. */
  private foundCommand(): string[] {
    const configured = vscode.workspace.getConfiguration(SECTION).get<string[]>("server.command") ?? [];
    const command = findServer(configured, process.env, this.installation.command);
    if (command === undefined) {
      throw new Missing(configured[0] ?? "branchwork");
    }
    return command;
  }

  /** What starts it fastest, as the command said the last time that it was asked. */
  private async serverCommand(): Promise<string[]> {
    const asked = fingerprint(this.command);
    const remembered = this.memory.get<Remembered>(REMEMBERED);
    if (remembered?.asked === asked) {
      return remembered.said;
    }
    const said = await languageServer(this.command);
    await this.memory.update(REMEMBERED, { asked, said });
    return said;
  }

  private forget(): void {
    void this.memory.update(REMEMBERED, undefined);
  }

  private async spawn(): Promise<ChildProcess> {
    const [program = "", ...parameters] = await this.serverCommand();
    this.log.info(`Starting ${this.command.join(" ")}`);
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    const child = spawn(program, parameters, cwd === undefined ? {} : { cwd });
    // Its pipes close then, which the client sees; nobody else would listen.
    child.on("error", (problem) => {
      this.log.error(sentenceOf(problem));
      this.forget();
    });
    return child;
  }

  /** A failed command tells its sentence; VS Code would only say that it failed. */
  private async run(command: string, next: () => unknown): Promise<unknown> {
    try {
      const result = await next();
      this.ran.fire({ command, result });
      return result;
    } catch (problem) {
      void vscode.window.showErrorMessage(unlinked(sentenceOf(problem)));
      return undefined;
    }
  }

  /** Not again and again. */
  private startsAgain(): boolean {
    // It may have ended because what was remembered holds no more.
    this.forget();
    const now = Date.now();
    this.ends.push(now);
    if (this.ends.filter((end) => now - end < WITHIN_MILLISECONDS).length < MOST_STARTS) {
      this.become("starting");
      return true;
    }
    this.become("stopped", "Branchwork's server ended again and again. Its log says why.");
    return false;
  }
}

let streams = 0;

/** The settings that the server takes when it is connected. */
const SHOWING = ["lens", "progress", "notices", "logLevel"] as const;

function showing(): protocol.InitializationOptions {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return Object.fromEntries(SHOWING.map((name) => [name, settings.get(name)]));
}

/** Whether what was changed holds only for the next connection. */
export function isForConnection(change: vscode.ConfigurationChangeEvent): boolean {
  return ["server.command", ...SHOWING].some((name) => change.affectsConfiguration(`${SECTION}.${name}`));
}

/** The sentence of an error that a person shall see. */
export function sentenceOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

/** Whether it is no use to ask again: the server has answered, and would answer the same. */
export function isFinal(problem: unknown): boolean {
  return dataOf(problem)?.kind !== undefined && !isRetryable(problem);
}

function isRetryable(problem: unknown): boolean {
  return dataOf(problem)?.retryable === true;
}

/** What an error of the server's has for programs. */
function dataOf(problem: unknown): Partial<protocol.ErrorData> | undefined {
  return problem instanceof Error && "data" in problem
    ? (problem.data as Partial<protocol.ErrorData> | undefined)
    : undefined;
}
