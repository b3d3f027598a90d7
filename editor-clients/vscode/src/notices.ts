// Notices: each thing that begins to wait for a person is told once, by one of all windows.

import * as vscode from "vscode";
import { inform } from "./branchwork";
import { sentenceOf } from "./connection";
import type { Connection } from "./connection";
import { notice } from "./labels";
import type { Live } from "./live";
import { attentionClaim } from "./protocol";
import type { AttentionItem } from "./protocol";
import type { Node } from "./views/tree";

/** How long a window that the person does not look at leaves a notice to the others. */
const PATIENCE_MILLISECONDS = 1500;

export function registerNotices(connection: Connection, live: Live): vscode.Disposable {
  return live.onArrived((items) => {
    if (vscode.workspace.getConfiguration("branchwork").get("notices") !== false) {
      void announce(connection, live, items);
    }
  });
}

async function announce(connection: Connection, live: Live, items: readonly AttentionItem[]): Promise<void> {
  if (!vscode.window.state.focused) {
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MILLISECONDS));
  }
  try {
    const { ids } = await connection.tell(attentionClaim, { ids: items.map((item) => item.id) });
    const waiting = new Set(live.board.attention.map((item) => item.id));
    items.filter(({ id }) => ids.includes(id) && waiting.has(id)).forEach((item) => show(item));
  } catch (problem) {
    connection.log.warn(`announcing: ${sentenceOf(problem)}`);
  }
}

function show(item: AttentionItem): void {
  const target: Node = { kind: "attention", item };
  const run = (verb: string) => () => vscode.commands.executeCommand(`branchwork.${verb}`, target);
  const conversation = { "Show Conversation": run("showConversation") };
  switch (item.kind) {
    case "approval":
      return inform(notice(item), { "Answer…": run("answer"), ...conversation });
    case "finished":
      return inform(notice(item), { "Show Diff": run("showDiff"), ...conversation });
    case "heldPrompt":
      return inform(notice(item), { "Send or Change…": run("showQueue"), ...conversation });
    case "failed":
    case "lost":
      return inform(notice(item), { "Follow Up…": run("followUp"), ...conversation });
    default:
      return inform(notice(item), conversation);
  }
}
