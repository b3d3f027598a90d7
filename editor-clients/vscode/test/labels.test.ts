import { describe, expect, it } from "vitest";
import { Board } from "../src/board";
import {
  age,
  agentChoice,
  attentionRow,
  diffTitle,
  markdown,
  mergeSentence,
  notice,
  shortened,
  statusName,
  statusText,
  taskRow,
  unlinked,
  workspaceRow,
} from "../src/labels";
import type { Agent, AttentionItem, Snapshot, TaskStatus } from "../src/protocol";
import { item, snapshot, task, workspace } from "./made";

const NOW = Date.parse("2026-11-23T08:05:00.000Z");

function boardOf(contents: Partial<Snapshot>): Board {
  const board = new Board();
  board.take({ epoch: "e", seq: 1, snapshot: snapshot(contents) });
  return board;
}

describe("the row of a task", () => {
  it("says how old it is when there is nothing to say", () => {
    const row = taskRow(task(), boardOf({}), undefined, NOW);
    expect([row.label, row.description, row.icon]).toEqual(["handle empty input", "5 min ago", "circle-large-outline"]);
    expect(row.kinds).toEqual(["task", "Todo", "idle"]);
  });

  it("says what its agent does", () => {
    const running = task({ running: true, status: "InProgress" });
    const row = taskRow(running, boardOf({ workspaces: [workspace()] }), "Write prices.py", NOW);
    expect([row.description, row.icon]).toEqual(["Write prices.py", "sync~spin"]);
    expect(row.kinds).toEqual(["task", "InProgress", "running", "started"]);
  });

  it("says before that what it waits for", () => {
    const running = task({ running: true, needsYou: true });
    const row = taskRow(running, boardOf({ attention: [item()] }), "something", NOW);
    expect([row.description, row.icon]).toEqual(["asks: Write prices.py?", "question"]);
  });

  it("is no alarm when it has finished", () => {
    const board = boardOf({ attention: [item({ kind: "finished" })] });
    const row = taskRow(task({ status: "InReview", needsYou: true }), board, undefined, NOW);
    expect([row.description, row.icon]).toEqual(["finished", "eye"]);
  });

  it("says its place in the line, and how many attempts there are", () => {
    const waiting = { workspaceId: "w2", why: "limit", place: 2 };
    const board = boardOf({ workspaces: [workspace(), workspace({ id: "w2", waiting })] });
    expect(taskRow(task(), board, undefined, NOW).description).toBe("waits for its turn (2) · 2 attempts");
  });
});

describe("the row of a workspace", () => {
  it("has its task's title and its branch", () => {
    const board = boardOf({ tasks: [task()] });
    const row = workspaceRow(workspace(), board, undefined, NOW);
    expect([row.label, row.description, row.icon]).toEqual(["handle empty input", "vk-w1-handle", "git-branch"]);
  });

  it("has its branch where it stands below its task", () => {
    const row = workspaceRow(workspace(), boardOf({ tasks: [task()] }), undefined, NOW, true);
    expect([row.label, row.description]).toEqual(["vk-w1-handle", "5 min ago"]);
  });
});

describe("what waits", () => {
  it("is the question of an approval", () => {
    const row = attentionRow(item(), NOW);
    expect([row.label, row.description]).toEqual(["Write prices.py?", "handle empty input"]);
    expect(row.kinds).toEqual(["attention", "approval", "conversation"]);
  });

  it("is the task of anything else", () => {
    const row = attentionRow(item({ kind: "failed", sentence: "It failed." }), NOW);
    expect([row.label, row.description]).toEqual(["handle empty input", "failed · It failed."]);
  });

  it("may be of a kind that only a newer server knows", () => {
    const row = attentionRow({ ...item(), kind: "thirsty" as never }, NOW);
    expect([row.label, row.icon]).toEqual(["handle empty input", "bell"]);
  });

  it("is told in a sentence", () => {
    expect(notice(item())).toBe("“handle empty input” asks: Write prices.py?");
  });
});

describe("words", () => {
  it("of the status bar", () => {
    expect(statusText(0, 0)).toBe("$(robot) Branchwork");
    expect(statusText(2, 1)).toBe("$(robot) 2 running · 1 needs you");
    expect(statusText(0, 3)).toBe("$(robot) 3 need you");
  });

  it("of a status that nobody knows yet", () => {
    expect(statusName("InSpace" as TaskStatus)).toBe("InSpace");
  });

  it("of a time", () => {
    expect(age("2026-11-23T08:04:30.000Z", NOW)).toBe("now");
    expect(age("2026-11-23T05:00:00.000Z", NOW)).toBe("3 h ago");
    expect(age("2026-11-22T08:00:00.000Z", NOW)).toBe("1 day ago");
    expect(age("soon", NOW)).toBe("now");
  });

  it("that are too long are cut between characters", () => {
    expect(shortened("a".repeat(60))).toBe("a".repeat(60));
    expect(shortened("😀".repeat(61))).toBe(`${"😀".repeat(59)}…`);
  });

  it("of others mean nothing as Markdown", () => {
    expect(markdown("[x](command:rm) $(trash)\n# <b>")).toBe(
      "\\[x\\]\\(command:rm\\) \\$\\(trash\\) \\# \\<b\\>",
    );
  });

  it("of a diff", () => {
    const file = { repoId: "r", path: "a.py", status: "modified" as const, binary: false };
    const files = [
      { ...file, additions: 2, deletions: 1 },
      { ...file, additions: null, deletions: null, binary: true },
    ];
    expect(diffTitle("handle empty input", files)).toBe("handle empty input +2 −1");
  });

  it("of a merge", () => {
    const preview = { repoId: "r", targetBranch: "main", ahead: 1, behind: 0, files: ["a"], conflicts: [] };
    expect(mergeSentence(preview, undefined)).toBe("One commit for main, which changes 1 file:");
    const refusal = { kind: "conflicts", sentence: "It conflicts." };
    expect(mergeSentence({ ...preview, refusal }, "shop")).toBe("main of shop: It conflicts.");
  });

  it("of an agent", () => {
    const agent: Agent = {
      id: "a",
      executor: "A",
      name: "Agent A",
      available: true,
      installed: false,
      loggedIn: false,
      modes: [],
      canResume: true,
      isDefault: true,
    };
    expect(agentChoice(agent)).toEqual({
      label: "$(robot) Agent A",
      description: "default · will be downloaded · not logged in",
    });
    const gone = { ...agent, available: false, loggedIn: null, isDefault: false, problem: "Install it." };
    expect(agentChoice(gone)).toEqual({
      label: "$(circle-slash) Agent A",
      description: "not available",
      detail: "Install it.",
    });
  });
});

it("leaves no link in a message, which may run a command", () => {
  const item = { kind: "approval", taskTitle: "[a](command:evil)", sentence: "[b](command:evil)?" } as AttentionItem;
  expect(unlinked(notice(item))).toBe("“[a] (command:evil)” asks: [b] (command:evil)?");
});
