// Commands about the queue of a conversation: what waits to be sent, and what is held.

import * as vscode from "vscode";
import { register } from "../branchwork";
import type { Branchwork } from "../branchwork";
import { shortened } from "../labels";
import { conversationQueue } from "../protocol";
import type { QueuedPrompt } from "../protocol";
import { chosenWorkspace } from "./targets";
import type { Target } from "./targets";

type Action = "send" | "edit" | "remove";

export function queueCommands(branchwork: Branchwork): vscode.Disposable {
  return register({ showQueue: (target: Target) => showQueue(branchwork, target) });
}

async function showQueue(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  const conversationId = workspace?.conversationId;
  if (conversationId === undefined) {
    return;
  }
  const { queue } = await branchwork.connection.ask(conversationQueue, { conversationId });
  if (queue.length === 0) {
    void vscode.window.showInformationMessage("No message waits to be sent.");
    return;
  }
  const meant = target !== undefined && "item" in target ? target.item.id : undefined;
  const prompt = queue.find(({ id }) => id === meant) ?? (await chosenPrompt(queue));
  const action = prompt && (await chosenAction(prompt));
  if (prompt !== undefined && action !== undefined) {
    await act(branchwork, conversationId, prompt, action);
  }
}

/** The only one is not asked about. */
async function chosenPrompt(queue: readonly QueuedPrompt[]): Promise<QueuedPrompt | undefined> {
  if (queue.length === 1) {
    return queue[0];
  }
  const items = queue.map((one) => ({
    label: `${one.heldBecause === null ? "$(clock)" : "$(debug-pause)"} ${shortened(one.prompt, 80)}`,
    detail: one.heldBecause ?? "It is sent when the agent is done.",
    one,
  }));
  const picked = await vscode.window.showQuickPick(items, { placeHolder: "Messages that wait to be sent" });
  return picked?.one;
}

async function chosenAction(prompt: QueuedPrompt): Promise<Action | undefined> {
  const items: (vscode.QuickPickItem & { action: Action })[] = [
    { label: "$(send) Send now", action: "send" },
    { label: "$(edit) Edit…", action: "edit" },
    { label: "$(trash) Remove", action: "remove" },
  ];
  const picked = await vscode.window.showQuickPick(items, { placeHolder: shortened(prompt.prompt, 80) });
  return picked?.action;
}

async function act(
  { connection }: Branchwork,
  conversationId: string,
  { id, prompt }: QueuedPrompt,
  action: Action,
): Promise<void> {
  if (action !== "edit") {
    await connection.tell(conversationQueue, { conversationId, [action]: id });
    return;
  }
  const value = await vscode.window.showInputBox({ title: "Edit the message", value: prompt });
  if (value !== undefined && value.trim() !== "") {
    await connection.tell(conversationQueue, { conversationId, edit: id, prompt: value });
  }
}
