// Conversations as documents that grow while the agent speaks, with the answers that it waits for.

import * as vscode from "vscode";
import { isFinal, sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { Transcript } from "./conversationText";
import type { Page } from "./conversationText";
import { shortened } from "./labels";
import type { Live } from "./live";
import { conversationEntries, conversationEntriesProgress } from "./protocol";
import type { AttentionItem, ConversationEntriesPart, EntryPosition, Workspace } from "./protocol";

export const SCHEME = "branchwork-conversation";
/** The folder by which package.json knows the language of these documents. */
const FOLDER = "/branchwork-conversations/";
const PAUSE_MILLISECONDS = 200;

interface About {
  workspaceId: string;
  conversationId: string;
}

/** A read-only file system, because VS Code opens only files again after a window is reloaded. */
export class Conversations implements vscode.FileSystemProvider, vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  private readonly open = new Map<string, Follower>();
  private readonly disposables: vscode.Disposable[];
  private answerable: readonly AttentionItem[] = [];
  readonly onDidChangeFile = this.changed.event;
  readonly onDidChangeCodeLenses = this.lensesChanged.event;

  constructor(
    private readonly connection: Connection,
    private readonly live: Live,
  ) {
    this.disposables = [
      vscode.workspace.registerFileSystemProvider(SCHEME, this, { isReadonly: true, isCaseSensitive: true }),
      vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.close(String(uri))),
      vscode.window.onDidChangeActiveTextEditor(() => this.showState()),
      live.onChange(() => {
        this.showState();
        this.refreshLenses();
      }),
    ];
  }

  async show(workspace: Workspace, conversationId: string): Promise<void> {
    const title = this.live.board.taskOf(workspace)?.title ?? workspace.branch;
    const about: About = { workspaceId: workspace.id, conversationId };
    // A slash would make a folder of what stands before it.
    const path = FOLDER + shortened(title, 40).replaceAll("/", "∕");
    const uri = vscode.Uri.from({ scheme: SCHEME, path, query: JSON.stringify(about) });
    const document = await vscode.workspace.openTextDocument(uri);
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    reveal(editor);
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const follower = this.open.get(String(uri));
    const size = follower === undefined ? 0 : this.bytes(uri, follower).length;
    return { type: vscode.FileType.File, ctime: 0, mtime: follower?.changedAt ?? 0, size };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    const about = aboutOf(uri);
    if (about === undefined) {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
    const key = String(uri);
    let follower = this.open.get(key);
    if (follower === undefined) {
      follower = new Follower(this.connection, about.conversationId, () => this.refresh(uri));
      this.open.set(key, follower);
    }
    return this.bytes(uri, follower);
  }

  /** All changes are told, whoever watches. */
  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  readDirectory = (uri: vscode.Uri): never => readOnly(uri);
  createDirectory = (uri: vscode.Uri): never => readOnly(uri);
  writeFile = (uri: vscode.Uri): never => readOnly(uri);
  delete = (uri: vscode.Uri): never => readOnly(uri);
  rename = (uri: vscode.Uri): never => readOnly(uri);

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

  private bytes(uri: vscode.Uri, follower: Follower): Uint8Array {
    return new TextEncoder().encode(this.pageOf(uri, follower).text);
  }

  private pageOf({ path }: vscode.Uri, follower: Follower): Page {
    const page = follower.transcript.page(path.slice(FOLDER.length), (executor) => this.live.board.agentName(executor));
    return follower.problem === undefined ? page : { ...page, text: `${page.text}\n**${follower.problem}**\n` };
  }

  /** For the menus in the title of the editor. */
  private showState(): void {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const about = uri && aboutOf(uri);
    const runs = about !== undefined && this.live.board.runningIn(about.workspaceId).length > 0;
    void vscode.commands.executeCommand("setContext", "branchwork.conversationRuns", runs);
  }

  /** A request may be in the text before the board knows of it, and go from the board first. */
  private refreshLenses(): void {
    const { attention } = this.live.board;
    if (attention !== this.answerable) {
      this.answerable = attention;
      this.lensesChanged.fire();
    }
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
    this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    this.lensesChanged.fire();
  }
}

function readOnly(uri: vscode.Uri): never {
  throw vscode.FileSystemError.NoPermissions(uri);
}

/** What a document of ours is about; undefined for any other. */
export function aboutOf(uri: vscode.Uri): About | undefined {
  return uri.scheme === SCHEME ? aboutIn(uri.query) : undefined;
}

function aboutIn(query: string): About | undefined {
  try {
    return JSON.parse(query) as About;
  } catch {
    return undefined;
  }
}

/** One stream of entries, over follow-ups and other daemons, until it is stopped. */
class Follower {
  readonly transcript = new Transcript();
  /** Why nothing more comes. */
  problem: string | undefined;
  /** Grows with each change, in milliseconds since 1970. */
  changedAt = Date.now();
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
    while (!this.stopped.token.isCancellationRequested) {
      try {
        await this.connection.ready();
        await this.once();
      } catch (problem) {
        if (this.isOver(problem)) {
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 5 * PAUSE_MILLISECONDS));
      }
    }
  }

  /** Whether it is no use to ask again; then the page says why. */
  private isOver(problem: unknown): boolean {
    if (this.stopped.token.isCancellationRequested) {
      return true;
    }
    this.connection.log.warn(`a conversation: ${sentenceOf(problem)}`);
    if (!isFinal(problem)) {
      return false;
    }
    this.problem = sentenceOf(problem);
    this.tell();
    return true;
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
    this.changedAt = Math.max(this.changedAt + 1, Date.now());
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
