// A conversation as a text to read. Nothing here knows VS Code.

import type {
  Entry,
  EntryChange,
  EntryPosition,
  PermissionRequestEntry,
  PlanEntry,
  ToolCallEntry,
} from "./protocol";

/** Where in the text a request stands that waits for an answer. */
export interface Ask {
  line: number;
  approvalId: string;
}

export interface Page {
  text: string;
  asks: Ask[];
}

const OUTPUT_LINES = 30;
const PLAN_MARKS: Record<string, string> = { completed: "x", in_progress: ">" };
const TOOL_MARKS: Record<string, string> = { completed: "✓", failed: "✗" };

/** All entries that came so far, put in order by where they belong. */
export class Transcript {
  private readonly executions = new Map<string, Entry[]>();

  apply(changes: readonly EntryChange[]): void {
    for (const { op, executionId, index, entry, text } of changes) {
      const entries = this.executions.get(executionId) ?? [];
      this.executions.set(executionId, entries);
      const known = entries[index];
      if (op === "append") {
        if (known !== undefined) {
          entries[index] = grown(known, text ?? "");
        }
      } else if (entry !== undefined) {
        entries[index] = entry;
      }
    }
  }

  /** The place of the last entry, which may have grown unseen. */
  get last(): EntryPosition | undefined {
    const executionId = [...this.executions.keys()].sort().at(-1);
    const index = (this.executions.get(executionId ?? "")?.length ?? 0) - 1;
    return executionId === undefined || index < 0 ? undefined : { executionId, index };
  }

  /** `agentName` gives what the agent behind an `executor` is called. */
  page(title: string, agentName: (executor: string) => string): Page {
    let agent = "Agent";
    let isAsked = false;
    const lines = [`# ${oneLine(title)}`, ""];
    const asks: Ask[] = [];
    for (const id of [...this.executions.keys()].sort()) {
      // A place that was left out is a hole.
      for (const entry of (this.executions.get(id) ?? []).filter((one) => one !== undefined)) {
        if (entry.kind === "session_boundary" && entry.executor !== undefined) {
          agent = agentName(entry.executor);
        }
        const said = linesOf(entry);
        if (isAsked && said.length > 0 && entry.kind !== "user_message") {
          lines.push(`## ${oneLine(agent)}`, "");
        }
        isAsked = said.length > 0 ? entry.kind === "user_message" : isAsked;
        if (entry.kind === "permission_request" && waits(entry) && entry.approvalId !== undefined) {
          asks.push({ line: lines.length, approvalId: entry.approvalId });
        }
        lines.push(...said, ...(said.length > 0 ? [""] : []));
      }
    }
    return { text: lines.join("\n"), asks };
  }
}

function grown(entry: Entry, text: string): Entry {
  if (entry.kind === "tool_call") {
    return { ...entry, output: entry.output + text };
  }
  return "text" in entry ? { ...entry, text: entry.text + text } : entry;
}

/** What a person wants to read of it; nothing for what is only the state of the agent. */
function linesOf(entry: Entry): string[] {
  switch (entry.kind) {
    case "user_message":
      return ["## You", "", ...entry.text.trimEnd().split("\n")];
    case "agent_message":
      return entry.text.trimEnd().split("\n");
    case "thought":
      return quoted(entry.text);
    case "tool_call":
      return toolLines(entry);
    case "plan":
      return planLines(entry);
    case "permission_request":
      return [permissionLine(entry)];
    case "session_boundary":
      return entry.sentence === "" ? [] : [`*${oneLine(entry.sentence)}*`];
    case "compaction":
      return ["*The agent shortened its history.*"];
    case "notice":
      return quoted(`**${oneLine(entry.title)}** ${entry.description}`);
    case "stop":
      return entry.stopReason === "end_turn" ? ["---"] : [`*Ended: ${oneLine(entry.stopReason)}*`, "", "---"];
    case "error":
      return [`**Error:** ${oneLine(entry.sentence)}`];
    case "stderr":
    case "script_output":
    case "unreadable":
      return fenced(entry.text);
    default:
      return [];
  }
}

function toolLines(entry: ToolCallEntry): string[] {
  const mark = TOOL_MARKS[entry.status] ?? "…";
  const code = entry.exitCode === undefined || entry.exitCode === 0 ? "" : ` (exit code ${entry.exitCode})`;
  const head = `- ${mark} ${oneLine(entry.title) || entry.toolKind}${code}`;
  // What was read stands in the file, and what was written in the diff.
  const shows = entry.toolKind !== "read" && entry.toolKind !== "edit";
  const texts = entry.content.flatMap((content) => (content.type === "text" ? [content.text] : []));
  const output = (entry.output === "" ? texts.join("\n") : entry.output).trimEnd();
  return shows && output !== "" ? [head, ...fenced(output)] : [head];
}

function planLines(entry: PlanEntry): string[] {
  return ["**Plan**", "", ...entry.items.map((item) => `- [${PLAN_MARKS[item.status] ?? " "}] ${oneLine(item.content)}`)];
}

function permissionLine(entry: PermissionRequestEntry): string {
  const option = entry.options.find((one) => one.id === entry.optionId);
  const outcome = waits(entry) ? "waits for your answer" : (option?.name ?? entry.outcome ?? "");
  return `**Asks:** ${oneLine(entry.sentence)} — ${oneLine(outcome)}`;
}

function waits(entry: PermissionRequestEntry): boolean {
  return entry.outcome === null || entry.outcome === undefined;
}

/** A block that no line of the text can end. */
function fenced(text: string): string[] {
  const lines = text.trimEnd().split("\n").filter((line) => !line.startsWith("```"));
  const shown = lines.slice(0, OUTPUT_LINES);
  const more = lines.length - shown.length;
  return ["```text", ...shown, ...(more > 0 ? [`… ${more} more lines; the log has them all`] : []), "```"];
}

function quoted(text: string): string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `> ${line}`);
}

function oneLine(text: string): string {
  return text.split(/\s+/).join(" ").trim();
}
