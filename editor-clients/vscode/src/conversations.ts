// Conversations as documents that grow while the agent speaks, with the answers that it waits for.

import * as vscode from "vscode";
import { sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { Transcript } from "./conversationText";
import type { Page } from "./conversationText";
import { shortened } from "./labels";
import type { Live } from "./live";
import { conversationEntries, conversationEntriesProgress } from "./protocol";
import type { ConversationEntriesPart, EntryPosition, Workspace } from "./protocol";

export const SCHEME = "branchwork-conversation";
const LANGUAGE = "branchwork";
const PAUSE_MILLISECONDS = 200;
const MOST_TRIES = 5;

interface About {
  workspaceId: string;
  conversationId: string;
}

export class Conversations
  implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable
{
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  private readonly open = new Map<string, Follower>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChange = this.changed.event;
  readonly onDidChangeCodeLenses = this.lensesChanged.event;

  constructor(
    private readonly connection: Connection,
    private readonly live: Live,
  ) {
    this.disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.closeUnlessOpen(uri)),
      vscode.window.onDidChangeActiveTextEditor(() => this.showState()),
      live.onChange(() => this.showState()),
    ];
  }

  async show(workspace: Workspace, conversationId: string): Promise<void> {
    const title = this.live.board.taskOf(workspace)?.title ?? workspace.branch;
    const about: About = { workspaceId: workspace.id, conversationId };
    // A slash would make a folder of what stands before it.
    const path = `/${shortened(title, 40).replaceAll("/", "∕")}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path, query: JSON.stringify(about) });
    const opened = await vscode.workspace.openTextDocument(uri);
    const document = await vscode.languages.setTextDocumentLanguage(opened, LANGUAGE);
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    reveal(editor);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const key = String(uri);
    let follower = this.open.get(key);
    if (follower === undefined) {
      follower = new Follower(this.connection, aboutOf(uri)?.conversationId ?? "", () => this.refresh(uri));
      this.open.set(key, follower);
    }
    return this.pageOf(uri, follower).text;
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const follower = this.open.get(String(uri));
    const asks = follower === undefined ? [] : this.pageOf(uri, follower).asks;
    return asks.flatMap(({ line, approvalId }) => {
      const item = this.live.board.attention.find(({ id }) => id === approvalId);
      const range = new vscode.Range(line, 0, line, 0);
      const target = { kind: "attention", item };
      const options = item?.options ?? [];
      return options.map((option) => {
        const parameters = [target, option];
        return new vscode.CodeLens(range, { title: option.name, command: "branchwork.respond", arguments: parameters });
      });
    });
  }

  dispose(): void {
    [...this.open.keys()].forEach((key) => this.close(key));
    this.disposables.forEach((one) => one.dispose());
  }

  private pageOf(uri: vscode.Uri, follower: Follower): Page {
    const workspace = this.live.board.workspaces.get(aboutOf(uri)?.workspaceId ?? "");
    const title = workspace && this.live.board.taskOf(workspace)?.title;
    return follower.transcript.page(title ?? "Conversation", (executor) => this.live.board.agentName(executor));
  }

  /** For the menus in the title of the editor. */
  private showState(): void {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const about = uri && aboutOf(uri);
    const runs = about !== undefined && this.live.board.runningIn(about.workspaceId).length > 0;
    void vscode.commands.executeCommand("setContext", "branchwork.conversationRuns", runs);
  }

  /** A document that gets its language is closed and opened. */
  private closeUnlessOpen(uri: vscode.Uri): void {
    setTimeout(() => {
      const isOpen = vscode.workspace.textDocuments.some((document) => String(document.uri) === String(uri));
      if (!isOpen) {
        this.close(String(uri));
      }
    });
  }

  private close(key: string): void {
    this.open.get(key)?.stop();
    this.open.delete(key);
  }

  /** Whoever has read to the end goes on reading at the end. */
  private refresh(uri: vscode.Uri): void {
    const followed = vscode.window.visibleTextEditors.filter(
      (editor) => String(editor.document.uri) === String(uri) && isAtEnd(editor),
    );
    const listening = vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (String(document.uri) === String(uri)) {
        listening.dispose();
        followed.forEach(reveal);
      }
    });
    setTimeout(() => listening.dispose(), 10 * PAUSE_MILLISECONDS);
    this.changed.fire(uri);
    this.lensesChanged.fire();
  }
}

/** What a document of ours is about; undefined for any other. */
export function aboutOf(uri: vscode.Uri): About | undefined {
  return uri.scheme === SCHEME ? (JSON.parse(uri.query) as About) : undefined;
}

/** One stream of entries, over follow-ups and other daemons, until it is stopped. */
class Follower {
  readonly transcript = new Transcript();
  private readonly stopped = new vscode.CancellationTokenSource();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly conversationId: string,
    private readonly changed: () => void,
  ) {
    void this.follow();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.stopped.cancel();
  }

  private async follow(): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES && !this.stopped.token.isCancellationRequested; tries += 1) {
      try {
        await this.once();
        tries = 0;
      } catch (problem) {
        this.connection.log.warn(`a conversation: ${sentenceOf(problem)}`);
        await new Promise((resolve) => setTimeout(resolve, 5 * PAUSE_MILLISECONDS));
      }
    }
  }

  /** Until the stream ends or has a gap, from behind which it is to be opened again. */
  private async once(): Promise<void> {
    const ending = new vscode.CancellationTokenSource();
    const listening = this.stopped.token.onCancellationRequested(() => ending.cancel());
    let gap: EntryPosition | undefined;
    const take = (part: ConversationEntriesPart): void => {
      this.transcript.apply(part.changes);
      this.timer ??= setTimeout(() => this.tell(), PAUSE_MILLISECONDS);
      gap = part.gap;
      if (gap !== undefined) {
        ending.cancel();
      }
    };
    const { last } = this.transcript;
    const params = { conversationId: this.conversationId, follow: true, ...(last === undefined ? {} : { from: last }) };
    try {
      await this.connection.stream(conversationEntries, conversationEntriesProgress, params, take, ending.token);
    } catch (problem) {
      if (gap === undefined) {
        throw problem;
      }
    } finally {
      listening.dispose();
      ending.dispose();
    }
  }

  private tell(): void {
    this.timer = undefined;
    this.changed();
  }
}

function isAtEnd(editor: vscode.TextEditor): boolean {
  const last = editor.visibleRanges.at(-1)?.end.line ?? 0;
  return last >= editor.document.lineCount - 2;
}

function reveal(editor: vscode.TextEditor): void {
  const end = editor.document.lineAt(editor.document.lineCount - 1).range;
  editor.revealRange(end);
}
