// What the daemon said of the board, kept in step by its changes. Nothing here knows VS Code.

import type {
  AttentionChangedParams,
  AttentionItem,
  Change,
  ChangedParams,
  ChangesSinceResult,
  ExecutionProcess,
  Project,
  Repo,
  Snapshot,
  Task,
  TaskStatus,
  Workspace,
} from "./protocol";

type Identified = { id: string };

/** What rows ask for again and again, worked out once after each change. */
interface Index {
  tasks: Task[];
  workspaces: Workspace[];
  workspacesByTask: Map<string, Workspace[]>;
  executions: ExecutionProcess[];
}

export class Board {
  epoch = "";
  seq = 0;
  readonly projects = new Map<string, Project>();
  readonly repos = new Map<string, Repo>();
  readonly tasks = new Map<string, Task>();
  /** Those that are not archived. */
  readonly workspaces = new Map<string, Workspace>();
  /** Those that run. */
  readonly executions = new Map<string, ExecutionProcess>();
  attention: readonly AttentionItem[] = [];
  /** The names of agents by what stands for them in a workspace. */
  agents: ReadonlyMap<string, string> = new Map();

  private index: Index | undefined;

  /** Nothing was read yet. */
  get isBlank(): boolean {
    return this.epoch === "";
  }

  /** An answer of `changes/since`. */
  take(answer: ChangesSinceResult): void {
    if (answer.snapshot !== undefined) {
      this.replace(answer.snapshot);
    }
    for (const change of answer.changes ?? []) {
      this.applyOne(change);
    }
    this.index = undefined;
    this.epoch = answer.epoch;
    this.seq = answer.seq;
  }

  /** Whether it was applied; if not, changes are missing and `changes/since` has to be asked. */
  apply(news: ChangedParams): boolean {
    if (news.epoch !== this.epoch || news.gap === true) {
      return false;
    }
    // What was read already comes again when a reading and its notification cross.
    if (news.seq > this.seq) {
      news.changes.forEach((change) => this.applyOne(change));
      this.index = undefined;
      this.seq = news.seq;
    }
    return true;
  }

  /** The attention list comes as a whole. */
  attend(news: AttentionChangedParams): void {
    this.attention = news.items;
  }

  /** The newest first; of one project or of all. */
  tasksOf(status: TaskStatus, projectId?: string): Task[] {
    return this.indexed.tasks.filter(
      (task) => task.status === status && (projectId === undefined || task.projectId === projectId),
    );
  }

  /** The newest first; of one task or of all. */
  workspacesOf(taskId?: string): Workspace[] {
    const { workspaces, workspacesByTask } = this.indexed;
    return taskId === undefined ? [...workspaces] : (workspacesByTask.get(taskId) ?? []);
  }

  agentName(executor: string): string {
    return this.agents.get(executor) ?? executor;
  }

  taskOf(workspace: Workspace): Task | undefined {
    return this.tasks.get(workspace.taskId);
  }

  /** What waits for a person in a task, the oldest first. */
  waitingIn(taskId: string, workspaceId?: string): AttentionItem[] {
    return this.attention.filter(
      (item) => item.taskId === taskId && (workspaceId === undefined || item.workspaceId === workspaceId),
    );
  }

  /** What runs in a workspace, the newest first; dev servers don't count as work. */
  runningIn(workspaceId: string): ExecutionProcess[] {
    return this.indexed.executions.filter(
      (one) => one.workspaceId === workspaceId && one.runReason !== "DevServer",
    );
  }

  /** How many workspaces have something at work. */
  get runningCount(): number {
    const working = [...this.executions.values()].filter((one) => one.runReason !== "DevServer");
    return new Set(working.map((one) => one.workspaceId)).size;
  }

  private get indexed(): Index {
    this.index ??= {
      tasks: newestFirst(this.tasks),
      workspaces: newestFirst(this.workspaces),
      workspacesByTask: grouped(newestFirst(this.workspaces)),
      executions: newestFirst(this.executions),
    };
    return this.index;
  }

  private replace(snapshot: Snapshot): void {
    fill(this.projects, snapshot.projects);
    fill(this.repos, snapshot.repos);
    fill(this.tasks, snapshot.tasks);
    fill(this.workspaces, snapshot.workspaces);
    fill(this.executions, snapshot.executions);
    this.attention = snapshot.attention;
  }

  private applyOne(change: Change): void {
    switch (change.entity) {
      case "project":
        return put(this.projects, change);
      case "repo":
        return put(this.repos, change);
      case "task":
        return put(this.tasks, change);
      case "workspace":
        return put(this.workspaces, change, (workspace: Workspace) => !workspace.archived);
      case "execution":
        return put(this.executions, change, (one: ExecutionProcess) => one.status === "Running");
    }
  }
}

function fill<Entity extends Identified>(map: Map<string, Entity>, entities: Entity[]): void {
  map.clear();
  entities.forEach((entity) => map.set(entity.id, entity));
}

/** A value that is left out belongs to something that is gone by now. */
function put<Entity>(
  map: Map<string, Entity>,
  change: Change,
  isKept: (entity: Entity) => boolean = () => true,
): void {
  const value = change.value as Entity | undefined;
  if (change.op === "delete" || value === undefined || value === null || !isKept(value)) {
    map.delete(change.id);
  } else {
    map.set(change.id, value);
  }
}

function grouped(workspaces: readonly Workspace[]): Map<string, Workspace[]> {
  const groups = new Map<string, Workspace[]>();
  for (const workspace of workspaces) {
    const group = groups.get(workspace.taskId);
    if (group === undefined) {
      groups.set(workspace.taskId, [workspace]);
    } else {
      group.push(workspace);
    }
  }
  return groups;
}

/** Ids are in the order of creation. */
function newestFirst<Entity extends Identified>(map: Map<string, Entity>): Entity[] {
  return [...map.values()].sort((one, other) => (one.id < other.id ? 1 : -1));
}
