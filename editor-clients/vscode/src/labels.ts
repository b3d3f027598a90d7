// The words and icons of rows, the status bar and notices. Nothing here knows VS Code.

import type { Board } from "./board";
import type {
  Agent,
  AttentionItem,
  ExecutionProcess,
  FileDiff,
  RepoMergePreview,
  RunReason,
  Task,
  TaskStatus,
  Workspace,
} from "./protocol";

/**
 * One row of a tree. `kinds` are the words by which menus know what can be done with it. The
 * tooltip is Markdown and made when it is asked for, which is for few rows only.
 */
export interface Row {
  label: string;
  description: string;
  readonly tooltip: string;
  icon: string;
  color?: string;
  kinds: string[];
}

export const STATUSES: readonly TaskStatus[] = ["InProgress", "InReview", "Todo", "Done", "Cancelled"];

const STATUS_NAMES: Record<TaskStatus, string> = {
  InProgress: "In progress",
  InReview: "In review",
  Todo: "To do",
  Done: "Done",
  Cancelled: "Cancelled",
};
type Look = [icon: string, color?: string];

const STATUS_ICONS: Record<TaskStatus, Look> = {
  InProgress: ["circle-large-outline", "charts.blue"],
  InReview: ["eye", "charts.purple"],
  Todo: ["circle-large-outline"],
  Done: ["pass", "charts.green"],
  Cancelled: ["circle-slash", "disabledForeground"],
};
const REASON_NAMES: Record<RunReason, string> = {
  SetupScript: "setup script",
  CleanupScript: "cleanup script",
  ArchiveScript: "archive script",
  CodingAgent: "agent",
  DevServer: "dev server",
};
const RUNNING: Look = ["sync~spin", "charts.blue"];
const LONGEST = 60;

/** A status that a newer server knows is shown by its own name. */
export function statusName(status: TaskStatus): string {
  return STATUS_NAMES[status] ?? status;
}

export function reasonName(reason: RunReason): string {
  return REASON_NAMES[reason] ?? reason;
}

/** `doing` is what its agent does now, where one is at work. */
export function taskRow(task: Task, board: Board, doing: string | undefined, now: number): Row {
  const attempts = board.workspacesOf(task.id);
  const waiting = board.waitingIn(task.id);
  const queued = attempts.find((one) => one.waiting !== undefined);
  const words = present([
    ...liveWords(task, waiting, queued, doing),
    attempts.length > 1 ? `${attempts.length} attempts` : "",
  ]);
  return {
    label: task.title,
    description: words.length > 0 ? words.join(" · ") : age(task.updatedAt, now),
    get tooltip() {
      return [
        `**${markdown(task.title)}**`,
        markdown([statusName(task.status), projectName(task, board), ...words].join(" · ")),
        ...attempts.map((workspace) => `$(git-branch) ${markdown(workspace.branch)}`),
      ].join("\n\n");
    },
    ...looking(lookOf(task, waiting, STATUS_ICONS[task.status] ?? ["circle-large-outline"])),
    kinds: ["task", task.status, ...flags(task), ...(attempts.length > 0 ? ["started"] : [])],
  };
}

/** An attempt, under its task (`isChild`) or in a list of its own. */
export function workspaceRow(
  workspace: Workspace,
  board: Board,
  doing: string | undefined,
  now: number,
  isChild = false,
): Row {
  const name = workspace.name ?? board.taskOf(workspace)?.title ?? workspace.branch;
  const waiting = board.waitingIn(workspace.taskId, workspace.id);
  const words = liveWords(workspace, waiting, workspace, doing);
  const rest = isChild ? age(workspace.createdAt, now) : workspace.branch;
  return {
    label: isChild ? workspace.branch : name,
    description: [...words, rest].join(" · "),
    get tooltip() {
      return [
        `**${markdown(name)}**`,
        `$(git-branch) ${markdown(workspace.branch)} → ${markdown(targets(workspace))}`,
        ...(workspace.executor === undefined ? [] : [`$(robot) ${markdown(board.agentName(workspace.executor))}`]),
        ...(workspace.containerRef === null ? [] : [`$(folder) ${markdown(workspace.containerRef)}`]),
        ...words.map(markdown),
      ].join("\n\n");
    },
    ...looking(lookOf(workspace, waiting, [workspace.isolation === "worktree" ? "git-branch" : "folder"])),
    kinds: ["workspace", ...flags(workspace), ...(workspace.pinned ? ["pinned"] : [])],
  };
}

const ATTENTION: Record<string, [verb: string, icon: string, color: string]> = {
  approval: ["asks", "question", "charts.yellow"],
  finished: ["finished", "pass", "charts.green"],
  failed: ["failed", "error", "charts.red"],
  lost: ["was lost", "debug-disconnect", "charts.red"],
  heldPrompt: ["holds a message", "debug-pause", "charts.yellow"],
};

const OTHER_ATTENTION = ["needs you", "bell", "charts.yellow"] as const;

/** One thing that waits for a person. */
export function attentionRow(item: AttentionItem, now: number): Row {
  const [verb, icon, color] = ATTENTION[item.kind] ?? OTHER_ATTENTION;
  const title = item.taskTitle;
  return {
    label: item.kind === "approval" ? item.sentence : title,
    description: item.kind === "approval" ? title : `${verb} · ${item.sentence}`,
    get tooltip() {
      return [`**${markdown(title)}** ${verb}`, markdown(item.sentence), age(item.since, now)].join("\n\n");
    },
    icon,
    color,
    kinds: ["attention", item.kind, ...(item.conversationId === undefined ? [] : ["conversation"])],
  };
}

/** What a notice says when it comes up. */
export function notice(item: AttentionItem): string {
  const verb = ATTENTION[item.kind]?.[0] ?? "needs you";
  return `“${shortened(item.taskTitle)}” ${verb}: ${item.sentence}`;
}

/** The text of the status bar; nothing at work and nothing waiting is only the name. */
export function statusText(running: number, waiting: number): string {
  const words = [
    running > 0 ? `${running} running` : "",
    waiting === 1 ? "1 needs you" : waiting > 1 ? `${waiting} need you` : "",
  ];
  return present(words).length > 0 ? `$(robot) ${present(words).join(" · ")}` : "$(robot) Branchwork";
}

/** An agent in a list to choose from. */
export function agentChoice(agent: Agent): { label: string; description: string; detail?: string } {
  const words = [
    agent.isDefault ? "default" : "",
    agent.version ?? "",
    agent.available ? (agent.installed ? "" : "will be downloaded") : "not available",
    agent.loggedIn === false ? "not logged in" : "",
  ];
  const detail = agent.problem ?? agent.description;
  return {
    label: `${agent.available ? "$(robot)" : "$(circle-slash)"} ${agent.name}`,
    description: present(words).join(" · "),
    ...(detail === undefined ? {} : { detail }),
  };
}

/** One execution in a list to choose a log from. */
export function executionName(execution: ExecutionProcess, now: number): string {
  const state = execution.status === "Running" ? "running" : execution.status.toLowerCase();
  return `${reasonName(execution.runReason)} · ${state} · ${age(execution.startedAt, now)}`;
}

/** What a merge of one repo would do, in a sentence. */
export function mergeSentence(preview: RepoMergePreview, repoName: string | undefined): string {
  const where = repoName === undefined ? preview.targetBranch : `${preview.targetBranch} of ${repoName}`;
  if (preview.refusal !== undefined) {
    return `${where}: ${preview.refusal.sentence}`;
  }
  const behind = preview.behind > 0 ? `, which is ${count(preview.behind, "commit")} ahead` : "";
  return `One commit for ${where}${behind}, which changes ${count(preview.files.length, "file")}:`;
}

export function diffTitle(title: string, files: readonly FileDiff[]): string {
  const added = files.reduce((sum, file) => sum + (file.additions ?? 0), 0);
  const deleted = files.reduce((sum, file) => sum + (file.deletions ?? 0), 0);
  return `${shortened(title, 40)} +${added} −${deleted}`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function shortened(text: string, longest = LONGEST): string {
  const characters = [...text];
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join("")}…`;
}

/** How long ago, in the largest unit that fits. */
export function age(timestamp: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(timestamp)) / 60_000);
  if (!(minutes >= 1)) {
    return "now";
  }
  if (minutes < 60) {
    return `${minutes} min ago`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ago` : `${count(Math.floor(hours / 24), "day")} ago`;
}

/** A text that has no meaning as Markdown: titles come from code and agents. */
export function markdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, "\\$&").replace(/\s+/g, " ");
}

/** A text in which VS Code's messages find no link: one of theirs may run a command. */
export function unlinked(text: string): string {
  return text.replaceAll("](", "] (");
}

/** What waits for a person goes before what runs, and that before what waits for its turn. */
function liveWords(
  of: { running: boolean },
  waiting: readonly AttentionItem[],
  queued: Workspace | undefined,
  doing: string | undefined,
): string[] {
  const [first] = waiting;
  if (first !== undefined) {
    const verb = ATTENTION[first.kind]?.[0] ?? "needs you";
    return [first.kind === "approval" ? `${verb}: ${first.sentence}` : verb];
  }
  if (of.running) {
    return [doing ?? "running"];
  }
  return queued?.waiting === undefined ? [] : [`waits for its turn (${queued.waiting.place})`];
}

/** A run that is over looks like its task's status: it is no alarm. */
function lookOf(of: { running: boolean }, waiting: readonly AttentionItem[], otherwise: Look): Look {
  const alarm = waiting.find((item) => item.kind !== "finished");
  if (alarm !== undefined) {
    const [, icon, color] = ATTENTION[alarm.kind] ?? OTHER_ATTENTION;
    return [icon, color];
  }
  return of.running ? RUNNING : otherwise;
}

function looking([icon, color]: Look): { icon: string; color?: string } {
  return color === undefined ? { icon } : { icon, color };
}

function present(words: readonly string[]): string[] {
  return words.filter((word) => word !== "");
}

function flags(of: { running: boolean; needsYou: boolean }): string[] {
  return [...(of.running ? ["running"] : ["idle"]), ...(of.needsYou ? ["needsYou"] : [])];
}

function targets(workspace: Workspace): string {
  return [...new Set(workspace.repos.map((repo) => repo.targetBranch))].join(", ");
}

function projectName(task: Task, board: Board): string {
  return board.projects.get(task.projectId)?.name ?? "no project";
}
