// Finds the command that starts the server. Nothing here knows VS Code.
//
// It looks without waiting: at the start of a window every turn of the event loop is shared with
// all other extensions.

import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

const NAME = "branchwork";
const PATIENCE_MILLISECONDS = 20_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** The configured command, else the one on the PATH or where pip and pipx put it, else `installed`. */
export function findServer(
  configured: readonly string[],
  environment: Environment,
  installed?: string,
): string[] | undefined {
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
  const found = candidates.find(isExecutable);
  return found === undefined ? undefined : [found, ...rest];
}

/** What is another text when the command is another program, so that what it said may not hold. */
export function fingerprint(command: readonly string[]): string {
  const { mtimeMs, size } = statSync(command[0] ?? "");
  return JSON.stringify([command, mtimeMs, size]);
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

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
