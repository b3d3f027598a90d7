// What each agent does now, as the progress of its run says it. Nothing here knows VS Code.

const PREFIX = "branchwork-";
// The id of an execution; the progress of a request has another token.
const EXECUTION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The value of a work-done progress. */
export interface Work {
  kind: string;
  message?: string;
  percentage?: number;
}

export class Activity {
  private readonly words = new Map<string, string>();
  /** Called after each change. */
  changed: () => void = () => {};

  /** Whether the progress was that of a run; another one is shown as any progress is. */
  take(token: string | number, work: Work): boolean {
    const id = String(token).startsWith(PREFIX) ? String(token).slice(PREFIX.length) : "";
    if (!EXECUTION.test(id)) {
      return false;
    }
    if (work.kind === "end") {
      this.words.delete(id);
    } else if (work.message !== undefined) {
      const percentage = work.percentage === undefined ? "" : ` (${work.percentage} %)`;
      this.words.set(id, work.message + percentage);
    }
    this.changed();
    return true;
  }

  /** Undefined where nothing was said. */
  of(executionId: string): string | undefined {
    return this.words.get(executionId);
  }

  clear(): void {
    this.words.clear();
  }
}
