// Keeps the board in step with the daemon, over gaps and over another daemon.

import * as vscode from "vscode";
import type { Activity } from "./activity";
import { Board } from "./board";
import { sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { agentList, attentionList, changesSince, daemonStatus } from "./protocol";
import type { AttentionItem, ChangedParams, DaemonStatusResult } from "./protocol";

/** Trees are painted at once for the first change, and then not more often than this. */
const PAUSE_MILLISECONDS = 100;

export class Live implements vscode.Disposable {
  board = new Board();
  /** What the folders of this window belong to. */
  current: NonNullable<DaemonStatusResult["current"]> = {};
  /** Why the daemon can't work, where it says so. */
  problem: string | undefined;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly arrived = new vscode.EventEmitter<readonly AttentionItem[]>();
  private readonly disposables: vscode.Disposable[];
  private reading: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private isDirty = false;
  private isAsked = false;
  readonly onChange = this.changed.event;
  /** What began to wait for a person since we listen. */
  readonly onArrived = this.arrived.event;

  constructor(
    private readonly connection: Connection,
    private readonly activity: Activity,
  ) {
    activity.changed = () => this.touch();
    this.disposables = [
      this.changed,
      this.arrived,
      connection.onLife((life) => {
        if (life === "ready") {
          this.board = new Board();
          this.catchUp();
        }
        this.touch();
      }),
      connection.onReconnected(() => {
        if (this.problem !== undefined) {
          // A connection to a daemon that can't work offers nothing else later, either.
          void connection.restart();
          return;
        }
        this.activity.clear();
        this.catchUp();
      }),
      connection.onChanged((news) => this.apply(news)),
      connection.onAttentionChanged((news) => this.attend(news.items)),
    ];
  }

  /** Resolves once there is a board, or a reason why there is none. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.isSettled) {
          listening.dispose();
          resolve();
        }
      };
      const listening = this.onChange(look);
      look();
    });
  }

  /** What the agent in a workspace does now. */
  doing(workspaceId: string): string | undefined {
    const words = this.board.runningIn(workspaceId).map((one) => this.activity.of(one.id));
    return words.find((word) => word !== undefined);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.forEach((one) => one.dispose());
  }

  private get isSettled(): boolean {
    const { life } = this.connection;
    return life === "missing" || life === "stopped" || this.problem !== undefined || !this.board.isBlank;
  }

  private apply(news: ChangedParams): void {
    if (this.board.isBlank || !this.board.apply(news)) {
      this.catchUp();
      return;
    }
    if (news.changes.some((one) => one.entity === "repo" || one.entity === "project")) {
      this.reading = this.reading.then(() => this.readCurrent()).catch((problem) => this.report(problem));
    }
    this.touch();
  }

  private attend(items: readonly AttentionItem[]): void {
    // Before the first reading there is no telling what is new.
    if (!this.board.isBlank) {
      const known = new Set(this.board.attention.map((item) => item.id));
      const news = items.filter((item) => !known.has(item.id));
      this.board.attention = items;
      if (news.length > 0) {
        this.arrived.fire(news);
      }
    }
    this.touch();
  }

  /** One reading after the other: an older one must not come last. */
  private catchUp(): void {
    if (!this.isAsked) {
      this.isAsked = true;
      this.reading = this.reading.then(() => this.read());
    }
  }

  private async read(): Promise<void> {
    this.isAsked = false;
    const isFirst = !this.isSettled;
    // At once, because a window has nothing to show before it has both.
    const answers = await Promise.allSettled([this.readCurrent(), this.readChanges()]);
    const failed = answers.filter((answer) => answer.status === "rejected");
    if (this.problem === undefined) {
      failed.forEach(({ reason }) => this.report(reason));
    }
    if (failed.length === 0) {
      void this.readAgents().catch((problem) => this.report(problem));
    }
    if (isFirst) {
      // Who waits for it does not wait for the end of a pause, too.
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    this.touch();
  }

  private report(problem: unknown): void {
    this.connection.log.error(`reading the board: ${sentenceOf(problem)}`);
  }

  private async readChanges(): Promise<void> {
    const wasBlank = this.board.isBlank;
    for (let more = true; more; ) {
      const { epoch, seq } = this.board;
      const answer = await this.connection.ask(changesSince, { epoch, seq });
      this.board.take(answer);
      more = answer.more === true;
    }
    if (!wasBlank) {
      this.attend((await this.connection.ask(attentionList, {})).items);
    }
  }

  /** Looking them up takes a while, and only their names depend on it. */
  private async readAgents(): Promise<void> {
    const { board } = this;
    if (board.agents.size === 0) {
      const { agents } = await this.connection.ask(agentList, {});
      board.agents = new Map(agents.map((agent) => [agent.executor, agent.name]));
      this.touch();
    }
  }

  private async readCurrent(): Promise<void> {
    const status = await this.connection.ask(daemonStatus, {});
    this.current = status.current ?? {};
    this.problem = status.safeMode ? (status.problem ?? "The daemon can't work.") : undefined;
  }

  private touch(): void {
    this.isDirty = true;
    if (this.timer === undefined) {
      this.flush();
    }
  }

  private flush(): void {
    this.timer = undefined;
    if (this.isDirty) {
      this.isDirty = false;
      this.changed.fire();
      this.timer = setTimeout(() => this.flush(), PAUSE_MILLISECONDS);
    }
  }
}
