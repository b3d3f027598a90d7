// The three views in the activity bar.

import * as vscode from "vscode";
import { register, told } from "../branchwork";
import type { Branchwork } from "../branchwork";
import type { TaskStatus } from "../protocol";
import { NeedsYouTree } from "./needsYou";
import { TasksTree } from "./tasks";
import type { Node } from "./tree";
import { WorkspacesTree } from "./workspaces";

export function registerViews(
  { live, created }: Branchwork,
  move: (taskId: string, status: TaskStatus) => Promise<void>,
): vscode.Disposable {
  const needsYou = new NeedsYouTree(live);
  const tasks = new TasksTree(live, async (taskId, status) => void (await told(() => move(taskId, status))));
  const workspaces = new WorkspacesTree(live);
  const needsYouView = vscode.window.createTreeView("branchwork.needsYou", { treeDataProvider: needsYou });
  const tasksView = vscode.window.createTreeView<Node>("branchwork.tasks", {
    treeDataProvider: tasks,
    dragAndDropController: tasks,
    showCollapseAll: true,
  });
  const workspacesView = vscode.window.createTreeView("branchwork.workspaces", { treeDataProvider: workspaces });
  let showsAll = false;
  const revealed = new Set<string>();
  const reveal = (): void => {
    for (const id of revealed) {
      if (tasksView.visible && live.board.tasks.has(id)) {
        revealed.delete(id);
        void tasksView.reveal({ kind: "task", id }, { select: true, focus: false });
      }
    }
  };
  const refresh = (): void => {
    const { board, current } = live;
    tasks.projectId = showsAll ? undefined : current.projectId;
    const project = tasks.projectId === undefined ? undefined : board.projects.get(tasks.projectId);
    tasksView.description = board.projects.size > 1 ? (project?.name ?? "all projects") : "";
    needsYouView.badge = badge(board.attention.length);
    [needsYou, tasks, workspaces].forEach((tree) => tree.refresh());
    setContext("severalProjects", board.projects.size > 1 && current.projectId !== undefined);
    setContext("hasTasks", board.tasks.size > 0);
    setContext("allProjects", showsAll);
    reveal();
  };
  const showAll = (all: boolean) => (): void => {
    showsAll = all;
    refresh();
  };
  return vscode.Disposable.from(
    needsYou,
    tasks,
    workspaces,
    needsYouView,
    tasksView,
    workspacesView,
    live.onChange(refresh),
    created.event((id) => {
      // The board may not have heard of it yet, and a view that nobody looks at is left alone.
      revealed.clear();
      revealed.add(id);
      reveal();
    }),
    register({ showAllProjects: showAll(true), showThisProject: showAll(false) }),
  );
}

function badge(count: number): vscode.ViewBadge | undefined {
  return count === 0 ? undefined : { value: count, tooltip: count === 1 ? "1 needs you" : `${count} need you` };
}

function setContext(name: string, value: unknown): void {
  void vscode.commands.executeCommand("setContext", `branchwork.${name}`, value);
}
