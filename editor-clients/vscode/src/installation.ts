// Installs the server that comes with the extension, into a virtual environment of its own.
// Nothing here knows VS Code.

import { execFile, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const PYTHONS = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];
const IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))";
/** Written last: what was left half-way is no installation. */
const STAMP = "installed";

export class Installation {
  /** `bundle` holds the server's wheel and constraints.txt, `storage` the extension's own files. */
  constructor(
    private readonly bundle: string,
    private readonly storage: string,
  ) {}

  /** The command that was installed of this very wheel. */
  get command(): string | undefined {
    const wheel = this.wheel;
    const stamp = there(() => readFileSync(join(this.folder, STAMP), "utf8"));
    return wheel !== undefined && stamp === wheel ? join(this.folder, "bin", "branchwork") : undefined;
  }

  /** Rejects with a sentence that says what to do. `report` is told what is done. */
  async install(report: (line: string) => void, signal: AbortSignal): Promise<void> {
    const wheel = this.wheel;
    if (wheel === undefined) {
      throw new Error("This build of the extension holds no server. Install it as Branchwork's README says.");
    }
    const python = await findPython();
    if (python === undefined) {
      throw new Error("The server needs Python 3.11 or newer, which is not on the PATH. Install it and try again.");
    }
    await mkdir(this.storage, { recursive: true });
    await run([python, "-m", "venv", "--clear", this.folder], report, signal);
    const pip = [join(this.folder, "bin", "python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"];
    const constraints = join(this.bundle, "constraints.txt");
    await run([...pip, "--constraint", constraints, join(this.bundle, wheel)], report, signal);
    await writeFile(join(this.folder, STAMP), wheel);
  }

  private get folder(): string {
    return join(this.storage, "server");
  }

  private get wheel(): string | undefined {
    return there(() => readdirSync(this.bundle))?.find((name) => name.endsWith(".whl"));
  }
}

/** What is read, undefined where nothing is. */
function there<Found>(read: () => Found): Found | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

async function findPython(): Promise<string | undefined> {
  for (const python of PYTHONS) {
    const isNewEnough = await promisify(execFile)(python, ["-c", IS_NEW_ENOUGH]).then(
      () => true,
      () => false,
    );
    if (isNewEnough) {
      return python;
    }
  }
  return undefined;
}

function run([program = "", ...parameters]: string[], report: (line: string) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { signal, stdio: ["ignore", "pipe", "pipe"] });
    let last = "";
    const take = (text: string): void => {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      lines.forEach(report);
      last = lines.at(-1)?.trim() ?? last;
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`The server could not be installed: ${last || `exit code ${code}`}`)),
    );
  });
}
