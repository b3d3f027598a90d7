// Finds the command that starts the server. Nothing here knows VS Code.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

const NAME = "branchwork";
const PATIENCE_MILLISECONDS = 20_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** The configured command, else the one on the PATH or where pip and pipx put it, else `installed`. */
export async function findServer(
  configured: readonly string[],
  environment: Environment,
  installed?: string,
): Promise<string[] | undefined> {
  const [name = NAME, ...rest] = configured;
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const home = environment["HOME"];
  if (home !== undefined) {
    folders.push(join(home, ".local", "bin"));
  }
  const candidates = isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name));
  if (configured.length === 0 && installed !== undefined) {
    candidates.push(installed);
  }
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) {
      return [candidate, ...rest];
    }
  }
  return undefined;
}

/** What starts the language server fastest, as the command itself says; else its plain form. */
export async function languageServer(command: readonly string[]): Promise<string[]> {
  const printed = await printedBy([...command, "lsp", "--print-command"]);
  return commandIn(printed) ?? [...command, "lsp"];
}

/** The command in a JSON array, undefined where there is none. */
export function commandIn(printed: string): string[] | undefined {
  try {
    const command: unknown = JSON.parse(printed);
    const isCommand =
      Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === "string");
    return isCommand ? command : undefined;
  } catch {
    return undefined;
  }
}

function printedBy([program = "", ...parameters]: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: PATIENCE_MILLISECONDS, encoding: "utf8" as const };
    execFile(program, parameters, options, (problem, printed) => resolve(problem === null ? printed : ""));
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
