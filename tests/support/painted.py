"""What a terminal was sent, as a PNG: drawn by xterm.js in a headless Chromium, from no network."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

from support import vscode_tools
from support.terminal import COLUMNS, ROWS

_PAGE = """
<!doctype html>
<style>
  html, body { margin: 0; background: transparent; }
  #frame { display: inline-block; padding: 10px 12px; border-radius: 8px; }
</style>
<div id="frame"><div id="screen"></div></div>
"""
# At this size a line is as high as a letter that joins the one below, such as a window's edge.
_DRAW = """
([text, columns, rows, background]) => new Promise((drawn) => {
  document.getElementById("frame").style.background = background;
  const terminal = new Terminal({
    cols: columns,
    rows: rows,
    fontFamily: "DejaVu Sans Mono",
    fontSize: 12,
    scrollback: 0,
    theme: { background: background },
  });
  terminal.open(document.getElementById("screen"));
  // Without it there is no cursor yet.
  terminal.focus();
  terminal.write(text, () => requestAnimationFrame(() => requestAnimationFrame(drawn)));
})
"""
_PIXELS = """
async (png) => {
  const image = new Image();
  image.src = "data:image/png;base64," + png;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = canvas.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let first = 0; first < pixels.length; first += 30000) {
    text += btoa(String.fromCharCode(...pixels.subarray(first, first + 30000)));
  }
  return [image.width, image.height, text];
}
"""


def paint(chromium: Any, text: str, background: str, path: Path) -> str:
    """Writes the picture, and gives the letters that are on it."""
    xterm = vscode_tools.code_server() / "node_modules" / "@xterm" / "xterm"
    page = chromium.new_page(viewport={"width": 1000, "height": 700}, device_scale_factor=2)
    try:
        page.set_content(_PAGE)
        page.add_style_tag(path=str(xterm / "css" / "xterm.css"))
        page.add_script_tag(path=str(xterm / "lib" / "xterm.js"))
        page.evaluate(_DRAW, [text, COLUMNS, ROWS, background])
        shown = page.locator(".xterm-rows > div").all_inner_texts()
        png = page.locator("#frame").screenshot(omit_background=True)
        width, height, pixels = page.evaluate(_PIXELS, base64.b64encode(png).decode())
    finally:
        page.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_small_png(width, height, base64.b64decode(pixels)))
    return "\n".join(line.replace("\u00a0", " ").rstrip() for line in shown)


def _small_png(width: int, height: int, pixels: bytes) -> bytes:
    """The same picture in two thirds of the bytes: no filter is best for letters on one colour."""
    stride = 4 * width
    rows = (b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
