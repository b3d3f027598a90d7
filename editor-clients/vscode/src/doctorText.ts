// What the doctor found, as a text to read and to send to somebody. Nothing here knows VS Code.

import { count } from "./labels";
import type { Check, CheckStatus } from "./protocol";

const MARKS: Record<CheckStatus, string> = { ok: "✓", info: "·", warning: "!", error: "✗" };

export function doctorText(checks: readonly Check[]): string {
  const lines = ["# Branchwork Doctor", "", sum(checks)];
  let group = "";
  for (const check of checks) {
    if (check.group !== group) {
      group = check.group;
      lines.push("", `## ${group}`, "");
    }
    lines.push(`${MARKS[check.status] ?? "?"} ${check.sentence}`);
    lines.push(...(check.advice ?? "").split("\n").filter((line) => line !== "").map((line) => `    ${line}`));
  }
  return `${lines.join("\n")}\n`;
}

function sum(checks: readonly Check[]): string {
  const found = (["error", "warning"] as const).flatMap((status) => {
    const those = checks.filter((check) => check.status === status);
    return those.length === 0 ? [] : [count(those.length, status)];
  });
  return found.length === 0 ? "Nothing is wrong." : `${found.join(", ")}.`;
}
