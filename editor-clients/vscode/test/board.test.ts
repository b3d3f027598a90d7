import { describe, expect, it } from "vitest";
import { Board } from "../src/board";
import type { Snapshot } from "../src/protocol";
import { changed, execution, item, snapshot, task, workspace } from "./made";

function boardOf(contents: Partial<Snapshot>): Board {
  const board = new Board();
  board.take({ epoch: "e", seq: 10, snapshot: snapshot(contents) });
  return board;
}

describe("a board", () => {
  it("is blank until it was read", () => {
    expect(new Board().isBlank).toBe(true);
    expect(boardOf({}).isBlank).toBe(false);
  });

  it("takes new, changed and deleted entities", () => {
    const board = boardOf({ tasks: [task()] });
    const done = task({ status: "Done", revision: 2 });
    const change = { entity: "task", id: "t1", revision: 2 };
    expect(board.apply(changed(11, [{ ...change, op: "update", value: done }]))).toBe(true);
    expect(board.tasksOf("Done")).toEqual([done]);
    board.apply(changed(12, [{ ...change, op: "delete", revision: null }]));
    expect(board.tasks.size).toBe(0);
    expect(board.seq).toBe(12);
  });

  it("ignores what it has read already", () => {
    const board = boardOf({ tasks: [task({ title: "new" })] });
    const old = { entity: "task", id: "t1", op: "update" as const, revision: 1, value: task({ title: "old" }) };
    expect(board.apply(changed(10, [old]))).toBe(true);
    expect(board.tasks.get("t1")?.title).toBe("new");
  });

  it("says when it missed something", () => {
    const board = boardOf({});
    expect(board.apply(changed(11, [], { gap: true }))).toBe(false);
    expect(board.apply(changed(11, [], { epoch: "another" }))).toBe(false);
  });

  it("forgets archived workspaces and ended processes", () => {
    const board = boardOf({ workspaces: [workspace()], executions: [execution()] });
    const change = { op: "update" as const, revision: 2 };
    board.apply(
      changed(11, [
        { ...change, entity: "workspace", id: "w1", value: workspace({ archived: true }) },
        { ...change, entity: "execution", id: "e1", value: execution({ status: "Completed" }) },
      ]),
    );
    expect([board.workspaces.size, board.executions.size]).toEqual([0, 0]);
  });

  it("goes on from changes as well as from a snapshot", () => {
    const board = boardOf({ tasks: [task()] });
    const another = { entity: "task", id: "t2", op: "create" as const, revision: 1, value: task({ id: "t2" }) };
    board.take({ epoch: "e", seq: 20, changes: [another] });
    expect(board.tasksOf("Todo").map((one) => one.id)).toEqual(["t2", "t1"]);
    board.take({ epoch: "f", seq: 1, snapshot: snapshot() });
    expect([board.tasks.size, board.epoch]).toEqual([0, "f"]);
  });

  it("counts workspaces at work, not processes and not dev servers", () => {
    const board = boardOf({
      executions: [
        execution(),
        execution({ id: "e2", runReason: "SetupScript" }),
        execution({ id: "e3", workspaceId: "w2", runReason: "DevServer" }),
      ],
    });
    expect(board.runningCount).toBe(1);
    expect(board.runningIn("w1").map((one) => one.id)).toEqual(["e2", "e1"]);
    expect(board.runningIn("w2")).toEqual([]);
  });

  it("finds what waits in a task or in one of its workspaces", () => {
    const board = boardOf({ attention: [item(), item({ id: "a2", workspaceId: "w2" })] });
    expect(board.waitingIn("t1").length).toBe(2);
    expect(board.waitingIn("t1", "w2").map((one) => one.id)).toEqual(["a2"]);
  });

  it("has the tasks of one project where that is wanted", () => {
    const board = boardOf({ tasks: [task(), task({ id: "t2", projectId: "p2" })] });
    expect(board.tasksOf("Todo", "p2").map((one) => one.id)).toEqual(["t2"]);
  });
});
