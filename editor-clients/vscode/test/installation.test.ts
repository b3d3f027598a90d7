import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Installation } from "../src/installation";

let folder = "";
let installation: Installation;
const quiet = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "branchwork-"));
  await mkdir(join(folder, "bundle"));
  installation = new Installation(join(folder, "bundle"), join(folder, "storage"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** A python3 that makes an environment whose own python does what the script says. */
async function python(script: string): Promise<void> {
  const made = `mkdir -p "$4/bin" && printf '#!/bin/sh\\n%s\\n' '${script}' >"$4/bin/python" && chmod +x "$4/bin/python"`;
  await writeFile(join(folder, "python3"), `#!/bin/sh\nif [ "$2" = venv ]; then ${made}; fi\n`);
  await chmod(join(folder, "python3"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}/usr/bin${delimiter}/bin`);
}

const bundle = (name: string): Promise<void> => writeFile(join(folder, "bundle", name), "");

it("installs what came along, with what is pinned beside it", async () => {
  await bundle("branchwork-1.whl");
  await python("echo \"$@\" >>\"$0.calls\"");
  expect(installation.command).toBeUndefined();
  await installation.install(() => {}, quiet);
  expect(installation.command).toBe(join(folder, "storage", "server", "bin", "branchwork"));
  const calls = await readFile(join(folder, "storage", "server", "bin", "python.calls"), "utf8");
  expect(calls).toContain(`--constraint ${join(folder, "bundle", "constraints.txt")}`);
  expect(calls).toContain(join(folder, "bundle", "branchwork-1.whl"));
});

it("is not there for another version of the extension", async () => {
  await bundle("branchwork-1.whl");
  await python("exit 0");
  await installation.install(() => {}, quiet);
  await rm(join(folder, "bundle", "branchwork-1.whl"));
  await bundle("branchwork-2.whl");
  expect(installation.command).toBeUndefined();
});

it("says what pip said where that fails, and is no installation", async () => {
  await bundle("branchwork-1.whl");
  await python("echo looking; echo no space left >&2; exit 1");
  const lines: string[] = [];
  await expect(installation.install((line) => lines.push(line), quiet)).rejects.toThrow("no space left");
  expect(lines).toContain("looking");
  expect(installation.command).toBeUndefined();
});

it("says what is missing", async () => {
  await expect(installation.install(() => {}, quiet)).rejects.toThrow("holds no server");
  await bundle("branchwork-1.whl");
  vi.stubEnv("PATH", folder);
  await expect(installation.install(() => {}, quiet)).rejects.toThrow("Python 3.11 or newer");
});
