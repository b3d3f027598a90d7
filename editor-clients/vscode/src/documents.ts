// Keeps the server's documents that a person looks at up to date: they are files that the server
// writes anew when it is asked to.

import * as vscode from "vscode";
import { sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { documentOpen } from "./protocol";
import type { DocumentKind } from "./protocol";

const PLACE = /\/documents\/(board|attention|task|conversation|diff)\/([^/]+)\.branchwork\.md$/;
const PAUSE_MILLISECONDS = 1000;

export class Documents implements vscode.Disposable {
  private readonly listening: vscode.Disposable;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly connection: Connection) {
    this.listening = connection.onChanged(() => {
      this.timer ??= setTimeout(() => void this.refresh(), PAUSE_MILLISECONDS);
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listening.dispose();
  }

  /** What a person has written and not saved stays as it is. */
  private async refresh(): Promise<void> {
    this.timer = undefined;
    const documents = vscode.window.visibleTextEditors.map((editor) => editor.document);
    for (const { uri, isDirty } of new Set(documents)) {
      const [, kind, id] = PLACE.exec(uri.path) ?? [];
      if (uri.scheme === "file" && !isDirty && kind !== undefined && id !== undefined) {
        await this.write(kind as DocumentKind, id);
      }
    }
  }

  private async write(kind: DocumentKind, id: string): Promise<void> {
    try {
      await this.connection.ask(documentOpen, { kind, id, show: false });
    } catch (problem) {
      this.connection.log.warn(`the document ${kind}/${id}: ${sentenceOf(problem)}`);
    }
  }
}
