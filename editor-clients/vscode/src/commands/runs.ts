// Commands about runs: starting, answering, following up, stopping.

import * as vscode from "vscode";
import { register } from "../branchwork";
import type { Branchwork } from "../branchwork";
import { aboutOf } from "../conversations";
import type { Conversations } from "../conversations";
import { agentChoice, shortened } from "../labels";
import {
  agentList,
  approvalRespond,
  conversationMarkSeen,
  conversationPrompt,
  projectGet,
  repoBranches,
  workspaceStart,
  workspaceStop,
} from "../protocol";
import type { Agent, AgentMode, ApprovalOption, AttentionItem, Task, Workspace } from "../protocol";
import { chosenItem, chosenTask, chosenWorkspace } from "./targets";
import type { Target } from "./targets";
import { tellStarted } from "./tasks";

export function runCommands(branchwork: Branchwork, conversations: Conversations): vscode.Disposable {
  return register({
    startTask: (target: Target) => start(branchwork, target),
    startTaskInMode: (target: Target) => start(branchwork, target, chosenMode),
    answer: (target: Target) => answer(branchwork, target),
    allow: (target: Target) => answerAtOnce(branchwork, target, "allow_once"),
    reject: (target: Target) => answerAtOnce(branchwork, target, "reject_once"),
    respond: async (target: Target, option: ApprovalOption) => {
      const item = await chosenItem(branchwork, target, isApproval);
      return item && respond(branchwork, item, option);
    },
    followUp: (target: Target) => followUp(branchwork, target),
    stop: (target: Target) => stop(branchwork, target),
    showConversation: async (target: Target) => {
      const workspace = await chosenWorkspace(branchwork, target);
      const conversationId = conversationOf(workspace, target);
      if (workspace !== undefined && conversationId !== undefined) {
        await conversations.show(workspace, conversationId);
      } else if (workspace !== undefined) {
        void vscode.window.showInformationMessage("No agent was started in this workspace yet.");
      }
    },
    markSeen: (target: Target) => markSeen(branchwork, target),
  });
}

type ChooseMode = (agent: Agent, task: Task) => Promise<AgentMode | undefined>;

/** What is not asked for is as the server has it by default. */
async function start(branchwork: Branchwork, target: Target, chooseMode?: ChooseMode): Promise<void> {
  const task = await chosenTask(branchwork, target, (one) => !one.running);
  const agent = task && (await chosenAgent(branchwork, task));
  const branch = task && agent && (await chosenBranch(branchwork, task));
  if (task === undefined || agent === undefined || branch === undefined) {
    return;
  }
  const mode = chooseMode && (await chooseMode(agent, task));
  if (chooseMode !== undefined && mode === undefined) {
    return;
  }
  const params = {
    taskId: task.id,
    executor: agent.executor,
    ...(branch === "" ? {} : { baseBranch: branch }),
    ...(mode === undefined ? {} : { mode }),
  };
  const { workspace, waiting, notes } = await branchwork.connection.tell(workspaceStart, params);
  const waits = waiting === undefined ? [] : [`It waits for its turn, as number ${waiting.place}.`];
  tellStarted(task, workspace.id, [...waits, ...notes]);
}

async function chosenAgent(branchwork: Branchwork, task: Task): Promise<Agent | undefined> {
  const { connection } = branchwork;
  const items = connection.ask(agentList, { projectId: task.projectId }).then(({ agents }) =>
    // What is taken without a word stands first, so that Enter takes it.
    [...agents]
      .sort((one, other) => Number(other.isDefault) - Number(one.isDefault))
      .map((agent) => ({ ...agentChoice(agent), agent })),
  );
  const options = {
    title: `Start “${shortened(task.title)}” (1/2)`,
    placeHolder: "Which agent?",
    matchOnDescription: true,
  };
  const picked = await vscode.window.showQuickPick(items, options);
  if (picked !== undefined && !picked.agent.available) {
    throw new Error(picked.agent.problem ?? `${picked.agent.name} is not available here.`);
  }
  return picked?.agent;
}

/** Empty for the default of each repository, undefined where the person goes back. */
async function chosenBranch({ connection }: Branchwork, task: Task): Promise<string | undefined> {
  const { repos } = await connection.ask(projectGet, { projectId: task.projectId });
  const [first] = repos;
  if (first === undefined || repos.length > 1) {
    // Several repositories have no branch in common that one could choose.
    return "";
  }
  const { branches } = await connection.ask(repoBranches, { repoId: first.repo.id });
  const byDefault = first.repo.defaultTargetBranch;
  const items = branches.map((branch) => ({
    label: `$(git-branch) ${branch.name}`,
    description: [
      branch.isCurrent ? "checked out" : "",
      branch.name === byDefault ? "default" : "",
      branch.headCommit.slice(0, 8),
    ]
      .filter((word) => word !== "")
      .join(" · "),
    name: branch.name,
  }));
  items.sort((one, other) => Number(other.name === byDefault) - Number(one.name === byDefault));
  const picked = await vscode.window.showQuickPick(items, {
    title: `Start “${shortened(task.title)}” (2/2)`,
    placeHolder: "From which branch? The work is merged back into it.",
    matchOnDescription: true,
  });
  return picked?.name;
}

const MODES: Record<string, [label: string, detail: string]> = {
  ask: ["$(question) Nothing", "It asks before it writes a file or runs a command."],
  edit: ["$(edit) Edit files", "It asks before it runs a command."],
  bypass: ["$(zap) Everything", "It never asks. Only a worktree of its own keeps it from your files."],
  plan: ["$(list-ordered) Only plan", "It changes nothing and says what it would do."],
};

async function chosenMode(agent: Agent, task: Task): Promise<AgentMode | undefined> {
  const items = agent.modes.map((mode) => {
    const [label, detail] = MODES[mode] ?? [mode, ""];
    return { label, detail, mode };
  });
  const picked = await vscode.window.showQuickPick(items, {
    title: `Start “${shortened(task.title)}”`,
    placeHolder: "What may the agent do without asking?",
  });
  return picked?.mode;
}

const OPTION_ICONS: Record<string, string> = {
  allow_once: "check",
  allow_always: "check-all",
  reject_once: "close",
  reject_always: "circle-slash",
};

interface Answer extends vscode.QuickPickItem {
  option?: ApprovalOption;
  says?: boolean;
}

async function answer(branchwork: Branchwork, target: Target): Promise<unknown> {
  const item = await chosenItem(branchwork, target, isApproval);
  if (item === undefined) {
    return undefined;
  }
  const picked = await vscode.window.showQuickPick<Answer>(answers(item), {
    title: shortened(item.taskTitle),
    placeHolder: item.sentence,
  });
  if (picked?.option === undefined) {
    return picked && vscode.commands.executeCommand("branchwork.showConversation", { kind: "attention", item });
  }
  const reason = picked.says ? await vscode.window.showInputBox({ title: picked.option.name, prompt: "Why not? The agent is told." }) : undefined;
  if (!picked.says || reason !== undefined) {
    await respond(branchwork, item, picked.option, reason);
  }
  return undefined;
}

function answers(item: AttentionItem): Answer[] {
  const options = item.options ?? [];
  const reject = options.find((option) => option.kind === "reject_once");
  return [
    ...options.map((option) => ({ label: `$(${OPTION_ICONS[option.kind] ?? "circle-small"}) ${option.name}`, option })),
    ...(reject ? [{ label: `$(comment) ${reject.name} and say why…`, option: reject, says: true }] : []),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    { label: "$(comment-discussion) Show the conversation" },
  ];
}

/** The agent's own option of that kind; where it has none, it is to be chosen. */
async function answerAtOnce(branchwork: Branchwork, target: Target, kind: string): Promise<void> {
  const item = await chosenItem(branchwork, target, isApproval);
  const option = item?.options?.find((one) => one.kind === kind);
  if (item !== undefined && option !== undefined) {
    await respond(branchwork, item, option);
  } else if (item !== undefined) {
    await answer(branchwork, { kind: "attention", item });
  }
}

async function respond(
  { connection }: Branchwork,
  item: AttentionItem,
  option: ApprovalOption,
  reason?: string,
): Promise<void> {
  const said = reason === undefined || reason.trim() === "" ? {} : { reason };
  await connection.tell(approvalRespond, { approvalId: item.id, optionId: option.id, ...said });
}

async function followUp(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target);
  const conversationId = conversationOf(workspace, target);
  if (workspace === undefined || conversationId === undefined) {
    return;
  }
  const prompt = await vscode.window.showInputBox({
    title: `Follow up: ${shortened(branchwork.live.board.taskOf(workspace)?.title ?? workspace.branch)}`,
    prompt: workspace.running ? "It is sent when the agent is done." : "It is sent at once.",
    placeHolder: "What should the agent do next?",
  });
  if (prompt === undefined || prompt.trim() === "") {
    return;
  }
  const { outcome, note } = await branchwork.connection.tell(conversationPrompt, { conversationId, prompt });
  const said = outcome === "queued" ? "$(clock) Queued: sent when the agent is done." : "$(check) Sent to the agent.";
  vscode.window.setStatusBarMessage(note ?? said, 5000);
}

async function stop(branchwork: Branchwork, target: Target): Promise<void> {
  const workspace = await chosenWorkspace(branchwork, target, (one) => one.running);
  if (workspace !== undefined) {
    const { stopped } = await branchwork.connection.tell(workspaceStop, { workspaceId: workspace.id });
    const what = stopped.length === 1 ? "1 process" : `${stopped.length} processes`;
    vscode.window.setStatusBarMessage(`$(debug-stop) Stopped ${what}.`, 5000);
  }
}

async function markSeen(branchwork: Branchwork, target: Target): Promise<void> {
  const item = await chosenItem(branchwork, target, (one) => one.kind !== "approval");
  if (item?.conversationId !== undefined) {
    await branchwork.connection.tell(conversationMarkSeen, { conversationId: item.conversationId });
  }
}

/** An older conversation of the workspace where it is that one that is meant. */
function conversationOf(workspace: Workspace | undefined, target: Target): string | undefined {
  if (target instanceof vscode.Uri) {
    return aboutOf(target)?.conversationId ?? workspace?.conversationId;
  }
  return target?.kind === "attention" ? target.item.conversationId : workspace?.conversationId;
}

function isApproval(item: AttentionItem): boolean {
  return item.kind === "approval";
}
