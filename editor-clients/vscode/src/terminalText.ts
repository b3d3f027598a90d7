// Makes a log fit for a terminal. Nothing here knows VS Code.

// Colours and other looks; whatever else follows an escape could do something.
const SPECIAL = /\x1b\[[0-9;:]*m|[\x00-\x1f\x7f-\x9f]/g;
const UNFINISHED = /\x1b(?:\[[0-9;:]{0,60})?$/;

/** One stream of text in pieces; a sequence may be cut by the end of a piece. */
export class TerminalText {
  private rest = "";

  /** The piece as a terminal shall have it: it shows, and obeys nothing but colours. */
  next(piece: string): string {
    const text = this.rest + piece;
    this.rest = UNFINISHED.exec(text)?.[0] ?? "";
    return text.slice(0, text.length - this.rest.length).replace(SPECIAL, shown);
  }
}

function shown(special: string): string {
  if (special.length > 1 || special === "\t" || special === "\r") {
    return special;
  }
  if (special === "\n") {
    return "\r\n";
  }
  const code = special.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : "";
}
