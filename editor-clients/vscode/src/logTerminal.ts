// A terminal that shows what runs in a workspace, one process after the other, as it comes.

import * as vscode from "vscode";
import { isFinal, sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { reasonName, shortened } from "./labels";
import type { Live } from "./live";
import { executionList, executionLogs, executionLogsProgress } from "./protocol";
import type { ExecutionLogsPart, ExecutionProcess, ExecutionStatus, Workspace } from "./protocol";
import { TerminalText } from "./terminalText";

const DIM = "\x1b[2m";
const BOLD = "\x1b[1m";
const PLAIN = "\x1b[0m";
const NO_CURSOR = "\x1b[?25l";
const PAUSE_MILLISECONDS = 500;

/** The open log terminals: one for each workspace. */
export class LogTerminals implements vscode.Disposable {
  private readonly open = new Map<string, vscode.Terminal>();
  private readonly closing: vscode.Disposable;

  constructor(
    private readonly connection: Connection,
    private readonly live: Live,
  ) {
    this.closing = vscode.window.onDidCloseTerminal((closed) => {
      this.open.forEach((terminal, id) => terminal === closed && this.open.delete(id));
    });
  }

  show(workspace: Workspace): void {
    let terminal = this.open.get(workspace.id);
    if (terminal === undefined) {
      const title = this.live.board.taskOf(workspace)?.title ?? workspace.branch;
      terminal = vscode.window.createTerminal({
        name: `Log: ${shortened(title, 40)}`,
        iconPath: new vscode.ThemeIcon("output"),
        pty: new WorkspaceLog(this.connection, this.live, workspace.id),
        isTransient: true,
      });
      this.open.set(workspace.id, terminal);
    }
    terminal.show();
  }

  dispose(): void {
    this.closing.dispose();
    this.open.forEach((terminal) => terminal.dispose());
  }
}

/** Never decides what runs: it shows what the board says is running, else what ran last. */
class WorkspaceLog implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  private readonly closed = new vscode.CancellationTokenSource();
  private readonly seen = new Set<string>();
  private readonly listening: vscode.Disposable[];
  private isStreaming = false;
  readonly onDidWrite = this.written.event;

  constructor(
    private readonly connection: Connection,
    private readonly live: Live,
    private readonly workspaceId: string,
  ) {
    this.listening = [live.onChange(() => void this.followOn())];
  }

  open(): void {
    this.written.fire(NO_CURSOR);
    void this.begin();
  }

  close(): void {
    this.closed.cancel();
    this.listening.forEach((one) => one.dispose());
  }

  /** The newest run, from its first process. */
  private async begin(): Promise<void> {
    try {
      const { executions } = await this.connection.ask(executionList, { workspaceId: this.workspaceId, limit: 20 });
      const [newest] = executions;
      const ofRun = executions.filter((one) => one.planId === newest?.planId && one.id !== newest?.id);
      executions.forEach((one) => this.seen.add(one.id));
      if (newest === undefined) {
        this.say("Nothing has run in this workspace yet.");
      } else {
        await this.stream([...ofRun.reverse(), newest]);
      }
    } catch (problem) {
      this.say(sentenceOf(problem));
    }
    await this.followOn();
  }

  /** What began since: the agent after a setup script, a follow-up, a cleanup script. */
  private async followOn(): Promise<void> {
    const next = this.live.board.runningIn(this.workspaceId).filter((one) => !this.seen.has(one.id));
    if (!this.isStreaming && next.length > 0 && this.seen.size > 0) {
      next.forEach((one) => this.seen.add(one.id));
      await this.stream(next.reverse());
      await this.followOn();
    }
  }

  private async stream(executions: readonly ExecutionProcess[]): Promise<void> {
    this.isStreaming = true;
    for (const execution of executions) {
      if (!this.closed.token.isCancellationRequested) {
        await this.streamOne(execution);
      }
    }
    this.isStreaming = false;
  }

  private async streamOne(execution: ExecutionProcess): Promise<void> {
    this.head(execution);
    const text = new TerminalText();
    let fromSeq = 1;
    const take = (part: ExecutionLogsPart): void => {
      fromSeq = part.nextSeq;
      this.written.fire(text.next(part.text ?? ""));
    };
    // Another daemon goes on where the last one stopped.
    while (!this.closed.token.isCancellationRequested) {
      try {
        await this.connection.ready();
        const params = { executionId: execution.id, follow: true, fromSeq };
        const end = await this.connection.stream(executionLogs, executionLogsProgress, params, take, this.closed.token);
        this.say(endSentence(end.status, end.exitCode));
        return;
      } catch (problem) {
        if (isFinal(problem)) {
          this.say(sentenceOf(problem));
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
      }
    }
  }

  private head(execution: ExecutionProcess): void {
    const words = reasonName(execution.runReason);
    const started = new Date(execution.startedAt).toLocaleTimeString();
    this.written.fire(`${BOLD}── ${words} ──${PLAIN} ${DIM}${started}${PLAIN}\r\n`);
  }

  private say(sentence: string): void {
    this.written.fire(`\r\n${DIM}${new TerminalText().next(sentence)}${PLAIN}\r\n\r\n`);
  }
}

function endSentence(status: ExecutionStatus, exitCode: number | null): string {
  const code = exitCode === null || exitCode === 0 ? "" : ` with exit code ${exitCode}`;
  return `${status}${code}.`;
}
