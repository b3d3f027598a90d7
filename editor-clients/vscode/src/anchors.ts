// Dims the comments by which the server finds its way in its documents: nobody has to read them.

import * as vscode from "vscode";

const LANGUAGE = "branchwork";
const ANCHOR = /^\s*<!-- .* -->$/;

export function dimAnchors(): vscode.Disposable {
  const dim = vscode.window.createTextEditorDecorationType({ opacity: "0.3" });
  const refresh = (editor: vscode.TextEditor): void => {
    if (editor.document.languageId === LANGUAGE) {
      editor.setDecorations(dim, anchorsOf(editor.document));
    }
  };
  vscode.window.visibleTextEditors.forEach(refresh);
  return vscode.Disposable.from(
    dim,
    vscode.window.onDidChangeVisibleTextEditors((editors) => editors.forEach(refresh)),
    vscode.workspace.onDidChangeTextDocument(({ document }) =>
      vscode.window.visibleTextEditors.filter((editor) => editor.document === document).forEach(refresh),
    ),
  );
}

function anchorsOf(document: vscode.TextDocument): vscode.Range[] {
  const lines = Array.from({ length: document.lineCount }, (_, number) => document.lineAt(number));
  return lines.filter(({ text }) => ANCHOR.test(text)).map(({ range }) => range);
}
