import { describe, expect, it } from "vitest";
import { Transcript } from "../src/conversationText";
import type { Entry, EntryChange } from "../src/protocol";

let count = 0;

function added(entry: object, executionId = "e1", index = count++): EntryChange {
  return { op: "add", executionId, index, entry: { executionId, index, seq: 1, t: 0, ...entry } as Entry };
}

function transcript(...changes: EntryChange[]): Transcript {
  const made = new Transcript();
  made.apply(changes);
  return made;
}

function text(...entries: object[]): string {
  count = 0;
  return transcript(...entries.map((entry) => added(entry))).page("Title", (name) => `The ${name}`).text;
}

const ASKS = {
  kind: "permission_request",
  requestId: "r",
  approvalId: "a1",
  toolCallId: null,
  sentence: "Write a.py?",
  options: [{ id: "y", kind: "allow_once", name: "Allow" }],
  outcome: null,
  optionId: null,
};
const TOOL = {
  kind: "tool_call",
  toolCallId: "c",
  title: "Run tests",
  toolKind: "execute",
  status: "completed",
  content: [],
  locations: [],
  output: "",
  outputTruncated: false,
};

describe("a transcript", () => {
  it("says who speaks", () => {
    const said = text(
      { kind: "session_boundary", executor: "X", agentSessionId: "s", start: "new", sentence: "" },
      { kind: "user_message", text: "Hello" },
      { kind: "agent_message", text: "Good day.\n" },
      { kind: "stop", stopReason: "end_turn", usage: {} },
    );
    expect(said).toBe("# Title\n\n## You\n\nHello\n\n## The X\n\nGood day.\n\n---\n");
  });

  it("lets a text grow", () => {
    const made = transcript(added({ kind: "agent_message", text: "The" }, "e1", 0));
    made.apply([{ op: "append", executionId: "e1", index: 0, text: " cart" }]);
    expect(made.page("T", String).text).toContain("The cart");
  });

  it("lets the output of a tool grow", () => {
    const made = transcript(added({ ...TOOL, output: "ok 1\n" }, "e1", 0));
    made.apply([{ op: "append", executionId: "e1", index: 0, text: "ok 2\n" }]);
    expect(made.page("T", String).text).toContain("- ✓ Run tests\n```text\nok 1\nok 2\n```");
  });

  it("puts follow-ups behind what they follow", () => {
    const made = transcript(
      added({ kind: "agent_message", text: "second" }, "e2", 0),
      added({ kind: "agent_message", text: "first" }, "e1", 0),
    );
    expect(made.page("T", String).text).toBe("# T\n\nfirst\n\nsecond\n");
    expect(made.last).toEqual({ executionId: "e2", index: 0 });
  });

  it("replaces an entry that comes again, and ignores text for one that never came", () => {
    const made = transcript(
      added({ kind: "agent_message", text: "old" }, "e1", 0),
      added({ kind: "agent_message", text: "new" }, "e1", 0),
      { op: "append", executionId: "e1", index: 7, text: "lost" },
    );
    expect(made.page("T", String).text).toBe("# T\n\nnew\n");
  });

  it("has nothing at first", () => {
    expect(new Transcript().last).toBeUndefined();
    expect(new Transcript().page("T", String)).toEqual({ text: "# T\n", asks: [] });
  });
});

describe("what an agent asks", () => {
  it("waits at its line", () => {
    count = 0;
    const page = transcript(added({ kind: "agent_message", text: "Hm." }), added(ASKS)).page("T", String);
    const [ask] = page.asks;
    expect(ask?.approvalId).toBe("a1");
    expect(page.text.split("\n")[ask?.line ?? 0]).toBe("**Asks:** Write a.py? — waits for your answer");
  });

  it("says how it was answered", () => {
    expect(text({ ...ASKS, outcome: "selected", optionId: "y" })).toContain("Write a.py? — Allow");
    expect(text({ ...ASKS, outcome: "withdrawn" })).toContain("Write a.py? — withdrawn");
  });
});

describe("the rest", () => {
  it("is short about files, and about long output", () => {
    const content = [{ type: "text", text: "whole file", truncated: false }];
    expect(text({ ...TOOL, toolKind: "read", title: "Read a.py", content })).toBe("# Title\n\n- ✓ Read a.py\n");
    expect(text({ ...TOOL, output: "x\n".repeat(40) })).toContain("… 10 more lines");
    expect(text({ ...TOOL, status: "failed", exitCode: 2 })).toContain("- ✗ Run tests (exit code 2)");
  });

  it("can't end the block that it stands in", () => {
    expect(text({ kind: "stderr", text: "a\n```\n# b\n" })).toBe("# Title\n\n```text\na\n# b\n```\n");
  });

  it("shows plans, thoughts, notices and errors", () => {
    const items = [
      { content: "Look", priority: "high", status: "completed" },
      { content: "Write", priority: "high", status: "in_progress" },
    ];
    expect(text({ kind: "plan", items })).toContain("- [x] Look\n- [>] Write");
    expect(text({ kind: "thought", text: "Hm\nwell" })).toContain("> Hm\n> well");
    expect(text({ kind: "error", reason: "x", sentence: "It broke." })).toContain("**Error:** It broke.");
    expect(text({ kind: "stop", stopReason: "refusal", usage: {} })).toContain("*Ended: refusal*");
  });

  it("is silent about state and about what it does not know", () => {
    expect(text({ kind: "usage" }, { kind: "from_the_future" })).toBe("# Title\n");
  });
});
