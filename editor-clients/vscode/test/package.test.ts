import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

interface Menu {
  command: string;
  when?: string;
}

const root = join(__dirname, "..");
const { contributes } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const commands: string[] = contributes.commands.map((one: { command: string }) => one.command);
const menus = Object.values(contributes.menus).flat() as Menu[];
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(root, "src", name), "utf8"));
const registering = sources.filter((source) => source.includes("register({"));

it("offers no command that is not there", () => {
  const isRegistered = (command: string): boolean => {
    const handler = new RegExp(`[{ ]${command.replace("branchwork.", "")}: \\S`);
    return registering.some((source) => handler.test(source));
  };
  expect(commands.filter((command) => !isRegistered(command))).toEqual([]);
});

it("has no command of the server's", () => {
  expect(commands.filter((command) => command.startsWith("branchwork.server."))).toEqual([]);
});

it("offers in menus and in welcomes what it has", () => {
  const welcomed = contributes.viewsWelcome.flatMap(({ contents }: { contents: string }) =>
    [...contents.matchAll(/\(command:([\w.]+)\)/g)].map((match) => match[1] ?? ""),
  );
  const unknown = [...menus.map((menu) => menu.command), ...welcomed].filter(
    (command) => command.startsWith("branchwork.") && !commands.includes(command),
  );
  expect(unknown).toEqual([]);
});

it("uses contexts that somebody sets", () => {
  const whens = [...menus, ...contributes.viewsWelcome].map(({ when }: Menu) => when ?? "").join(" ");
  const used = new Set([...whens.matchAll(/\bbranchwork\.(\w+)\b/g)].map((match) => match[1] ?? ""));
  const views = Object.values(contributes.views).flat() as { id: string }[];
  const set = sources.flatMap((source) =>
    [...source.matchAll(/setContext\("(\w+)"|"setContext", "branchwork\.(\w+)"/g)].map((match) => match[1] ?? match[2]),
  );
  const known = [...set, ...views.map(({ id }) => id.replace("branchwork.", ""))];
  expect([...used].filter((name) => !known.includes(name))).toEqual([]);
});

it("has each command on its page", () => {
  const page = readFileSync(join(root, "..", "..", "docs", "editors", "vscode.md"), "utf8");
  const hidden = contributes.menus.commandPalette.filter(({ when }: Menu) => when === "false");
  const isHidden = (command: string): boolean => hidden.some((menu: Menu) => menu.command === command);
  const titles: string[] = contributes.commands
    .filter(({ command }: { command: string }) => !isHidden(command))
    .map(({ title }: { title: string }) => title);
  expect(titles.length).toBeGreaterThan(20);
  expect(titles.filter((title) => !page.includes(title))).toEqual([]);
});
