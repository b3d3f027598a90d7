import { expect, it } from "vitest";
import { TerminalText } from "../src/terminalText";

function shown(...pieces: string[]): string {
  const text = new TerminalText();
  return pieces.map((piece) => text.next(piece)).join("");
}

it("ends lines as a terminal does", () => {
  expect(shown("one\ntwo\r\n")).toBe("one\r\ntwo\r\r\n");
});

it("keeps colours, also where they are cut", () => {
  expect(shown("\x1b[1;31mred\x1b[0m")).toBe("\x1b[1;31mred\x1b[0m");
  expect(shown("a\x1b", "[3", "1mred")).toBe("a\x1b[31mred");
});

it("shows whatever else a terminal would obey", () => {
  expect(shown("\x1b]52;c;aGk=\x07")).toBe("␛]52;c;aGk=␇");
  expect(shown("\x1b[2J")).toBe("␛[2J");
  expect(shown("\x9b31m\x7f")).toBe("31m");
});

it("does not wait for ever for the end of a sequence", () => {
  expect(shown(`\x1b[${"1;".repeat(100)}`, "x")).toContain("␛[1;");
});
