import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { commandIn, findServer, fingerprint, languageServer } from "../src/server";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "branchwork-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function program(name: string, script = "exit 0"): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

it("finds the command on the PATH", async () => {
  const path = await program("bin/branchwork");
  expect(findServer([], { PATH: `/nowhere:${join(folder, "bin")}` })).toEqual([path]);
});

it("finds it where pip puts it", async () => {
  const path = await program(".local/bin/branchwork");
  expect(findServer([], { PATH: "", HOME: folder })).toEqual([path]);
});

it("takes what the extension has installed last, and only where nothing else was wanted", async () => {
  const own = await program("own");
  expect(findServer([], { PATH: folder }, own)).toEqual([own]);
  expect(findServer(["gone"], { PATH: folder }, own)).toBeUndefined();
  const path = await program("branchwork");
  expect(findServer([], { PATH: folder }, own)).toEqual([path]);
});

it("knows another program of the same name", async () => {
  const before = fingerprint([await program("branchwork")]);
  expect(fingerprint([join(folder, "branchwork")])).toBe(before);
  expect(fingerprint([await program("branchwork", "exit 1 # another")])).not.toBe(before);
});

it("takes what is configured, with its arguments", async () => {
  const path = await program("mine");
  expect(findServer([path, "--quiet"], { PATH: "" })).toEqual([path, "--quiet"]);
  expect(findServer(["mine"], { PATH: folder })).toEqual([path]);
});

it("finds nothing where nothing is, or where it can't be run", async () => {
  await writeFile(join(folder, "branchwork"), "");
  expect(findServer([], { PATH: folder })).toBeUndefined();
  expect(findServer([join(folder, "gone")], { PATH: folder })).toBeUndefined();
});

it("starts what the command itself says is fastest", async () => {
  const path = await program("branchwork", `test "$*" = "lsp --print-command" && echo '["python", "-c", "x"]'`);
  expect(await languageServer([path])).toEqual(["python", "-c", "x"]);
});

it("starts the plain command where that fails", async () => {
  const path = await program("branchwork", "exit 3");
  expect(await languageServer([path])).toEqual([path, "lsp"]);
});

it("takes nothing else for a command", () => {
  expect(["", "{}", "[]", "[1]", "null"].map(commandIn)).toEqual(Array(5).fill(undefined));
});
