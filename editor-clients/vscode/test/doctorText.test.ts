import { expect, it } from "vitest";
import { doctorText } from "../src/doctorText";
import type { Check } from "../src/protocol";

const check = (group: string, status: string, sentence: string, advice?: string): Check =>
  ({ id: "some", group, status, sentence, ...(advice === undefined ? {} : { advice }) }) as Check;

it("has a heading for each group, and what to do below what is wrong", () => {
  const checks = [
    check("Git", "ok", "git 2.39.5"),
    check("Git", "warning", "You have no name.", "git config --global user.name …\ngit config --global user.email …"),
    check("Data", "error", "The disk is full.", "Free some space."),
    check("Agents", "info", "Codex is not installed."),
  ];
  expect(doctorText(checks)).toBe(`# Branchwork Doctor

1 error, 1 warning.

## Git

✓ git 2.39.5
! You have no name.
    git config --global user.name …
    git config --global user.email …

## Data

✗ The disk is full.
    Free some space.

## Agents

· Codex is not installed.
`);
});

it("says that nothing is wrong, and shows what it doesn't know", () => {
  expect(doctorText([check("Server", "odd", "From a newer server.")])).toBe(
    "# Branchwork Doctor\n\nNothing is wrong.\n\n## Server\n\n? From a newer server.\n",
  );
});
