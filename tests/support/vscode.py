"""A real VS Code without a screen: code-server's workbench in a headless Chromium.

What a person does is keys and clicks, and what a person sees is what is on the page; nothing here
asks the extension. Screenshots go to `build/screenshots/`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import npm_tools, vscode_tools

WAIT_SECONDS = 60
SCREENSHOTS = npm_tools.CHECKOUT / "build" / "screenshots"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A new window is what was asked for, however long ago the click is on a busy machine.
    "--disable-popup-blocking",
)
# Nothing that looks for a network, and nothing on the page that is not about the test.
USER_SETTINGS = {
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.enableExperiments": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "chat.disableAIFeatures": True,
    "git.enabled": False,
    "editor.minimap.enabled": False,
    "window.commandCenter": False,
    "terminal.integrated.gpuAcceleration": "off",
}


@dataclass(slots=True)
class Host:
    """A running code-server."""

    url: str
    folder: Path
    user: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    def at(self, folder: Path) -> str:
        """The address of a window with that folder open."""
        return f"{self.url}/?folder={folder}"

    def log(self) -> str:
        """What the extension wrote to its output."""
        found = self.user.glob("logs/*/exthost*/branchwork.branchwork/*.log")
        return "\n".join(path.read_text(errors="replace") for path in found)


@contextmanager
def hosted(
    folder: Path, environment: Mapping[str, str], extensions: Path | None = None
) -> Iterator[Host]:
    """A code-server on a fresh profile in that folder, with our extension or with those of another
    folder; all that it started ends with it."""
    node = npm_tools.own_node_folder() / "node"
    code = vscode_tools.code_server()
    user = folder / "user"
    _write(user / "User" / "settings.json", USER_SETTINGS)
    # A VS Code around us would make this one behave as its child.
    env = {k: v for k, v in environment.items() if not k.startswith("VSCODE_")}
    places = ["--user-data-dir", str(user), "--extensions-dir", str(folder / "extensions")]
    shutil.copytree(extensions or vscode_tools.extensions(), folder / "extensions")
    port = _free_port()
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            [
                node,
                code / "out" / "server-main.js",
                *("--host", "127.0.0.1", "--port", str(port), "--without-connection-token"),
                *("--accept-server-license-terms", "--disable-workspace-trust"),
                *("--telemetry-level", "off", "--server-data-dir", str(folder / "server")),
                *places,
            ],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, folder / "server.log")
        yield Host(url=url, folder=folder, user=user, process=process, environment=env)
    finally:
        _end(process)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium of Playwright."""
    playwright = vscode_tools.playwright()
    path = vscode_tools.chromium()
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=WAIT_SECONDS * 1000)
        chromium = driver.chromium.launch(
            executable_path=path, headless=True, args=list(CHROMIUM_FLAGS)
        )
        try:
            yield chromium
        finally:
            chromium.close()


# Whether the state of the workbench, which is kept in the browser, names an editor.
_REMEMBERS = """
async (editor) => {
  const open = (name) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const all = (database) => new Promise((resolve, reject) => {
    const request = database.transaction("ItemTable").objectStore("ItemTable").getAll();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith("vscode-web-state-db")) continue;
    const database = await open(name);
    const found = (await all(database)).some((value) => String(value).includes(editor));
    database.close();
    if (found) return true;
  }
  return false;
}
"""


@dataclass(slots=True)
class Window:
    """One window of VS Code, as a person sees and uses it."""

    page: Any
    name: str
    shots: int = field(default=0)

    def shot(self, what: str) -> Path:
        """A screenshot, numbered in the order of the story."""
        self.shots += 1
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{self.name}-{self.shots:02d}-{what}.png"
        self.page.screenshot(path=str(path))
        return path

    def reload(self, editor: str) -> None:
        """Once VS Code has noted that such an editor is open; in a browser it does so every few
        seconds and not when it is left."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.page.evaluate(_REMEMBERS, editor):
            assert time.monotonic() < deadline, f"no editor {editor} is remembered"
            self.page.wait_for_timeout(200)
        self.page.reload(wait_until="domcontentloaded")
        self.page.wait_for_selector(".monaco-workbench .activitybar")

    def run(self, title: str) -> None:
        """A command from the palette, by its whole title."""
        self._quick_open("F1", f">{title}", title)

    def open(self, name: str) -> None:
        """A file of the folder, by its name."""
        self._quick_open("Control+p", name, name)
        self.page.locator(".tab").filter(has_text=name).first.wait_for()

    def _quick_open(self, key: str, text: str, wanted: str) -> None:
        """Again until it is there: the key is lost while another quick input closes, and the list
        has only what could be done when it was opened."""
        box = self.page.locator(".quick-input-widget input.input:visible")
        found = self.page.locator(".quick-input-list .monaco-list-row.focused")
        deadline = time.monotonic() + WAIT_SECONDS
        if box.is_visible():
            self.page.keyboard.press("Escape")
        while time.monotonic() < deadline:
            self.page.keyboard.press(key)
            with suppress(Exception):
                box.wait_for(timeout=3000)
                box.fill(text)
                found.filter(has_text=wanted).first.wait_for(timeout=3000)
                self.page.keyboard.press("Enter")
                return
            # Not before: in an editor it would take the selection away.
            self.page.keyboard.press("Escape")
        raise AssertionError(f"{wanted!r} is not offered")

    def view(self) -> None:
        """Our container in the activity bar."""
        self.page.locator('.activitybar a[aria-label^="Branchwork"]').click()
        self.page.locator(".sidebar .pane-header").filter(has_text="Needs You").first.wait_for()

    def pane(self, title: str) -> Any:
        """One of the views in the side bar."""
        header = self.page.locator(".pane-header", has_text=title)
        return self.page.locator(".sidebar .split-view-view .pane").filter(has=header).first

    def row(self, pane: str, text: str) -> Any:
        """The row of a view that holds the text."""
        rows = self.pane(pane).locator(".monaco-list-row")
        return rows.filter(has_text=text).first

    def press(self, row: Any, action: str) -> None:
        """One of a row's buttons."""
        row.hover()
        row.locator(f'.action-label[aria-label^="{action}"]').first.click()

    def menu(self, row: Any, title: str) -> None:
        """An entry of a row's context menu: again where the row was painted anew meanwhile."""
        entries = self.page.locator(".monaco-menu .action-item")
        entry = entries.filter(has_text=re.compile(f"^{re.escape(title)}")).first
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            with suppress(Exception):
                row.click(button="right", timeout=3000)
                entry.wait_for(timeout=3000)
                self._choose(entry)
                return
            self.page.keyboard.press("Escape")
        raise AssertionError(f"{title!r} can't be chosen")

    def _choose(self, entry: Any) -> None:
        """A menu takes no click in its first moment. Raises where it closes by itself."""
        while True:
            entry.click(timeout=1000)
            with suppress(Exception):
                entry.wait_for(state="hidden", timeout=1000)
                return

    def pick(self, text: str) -> None:
        """A row of the open quick pick, which shows only some of them until one types."""
        rows = self.page.locator(".quick-input-list .monaco-list-row")
        rows.first.wait_for()
        self.page.locator(".quick-input-widget input.input:visible").fill(text)
        rows.filter(has_text=text).first.click()

    def type(self, text: str) -> None:
        """Into the open input box."""
        box = self.page.locator(".quick-input-widget input.input:visible")
        box.wait_for()
        box.fill(text)
        self.page.keyboard.press("Enter")

    def toast(self, text: str) -> Any:
        """The message that holds the text."""
        toasts = self.page.locator(".notifications-toasts .notification-toast")
        return toasts.filter(has_text=text).first

    def answer(self, text: str, button: str) -> None:
        """Press a button of a message."""
        toast = self.toast(text)
        toast.hover()
        toast.get_by_role("button", name=button, exact=True).click()

    def clear_toasts(self) -> None:
        """As a person closes what they have read."""
        self.run("Notifications: Clear All Notifications")

    def dialog(self) -> Any:
        """The open dialog."""
        return self.page.locator(".monaco-dialog-box")

    def status(self) -> Any:
        """Our item in the status bar."""
        return self.page.locator('.statusbar-item[id="branchwork.branchwork.branchwork"]')

    def choose_action(self, title: str) -> None:
        """A code action at the cursor. The list may be an older one while the server answers."""
        menu = self.page.locator(".action-widget:visible").first
        wanted = menu.locator(".monaco-list-row").filter(has_text=title).first
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            self.page.keyboard.press("Control+.")
            with suppress(Exception):
                wanted.wait_for(timeout=3000)
                wanted.click(timeout=3000)
                return
            self.page.keyboard.press("Escape")
        raise AssertionError(f"no code action {title!r}")

    def line(self, text: str | re.Pattern[str]) -> Any:
        """The line of the open editor that holds the text."""
        lines = self.page.locator(".editor-instance .view-line")
        return lines.filter(has_text=_spaced(text)).first

    def lens(self, title: str) -> Any:
        """A code lens."""
        lenses = self.page.locator(".codelens-decoration a")
        return lenses.filter(has_text=re.compile(f"^{re.escape(title)}$")).first

    def terminal(self, text: str | re.Pattern[str]) -> Any:
        """The lines of the open terminal that hold the text."""
        return self.page.locator(".terminal-wrapper.active .xterm-rows > div").filter(has_text=text)

    def diff(self, name: str) -> Any:
        """The part of the open diff that is about a file."""
        parts = self.page.locator(".multiDiffEntry")
        return parts.filter(has_text=name).first


@contextmanager
def window(chromium: Any, host: Host, folder: Path, name: str) -> Iterator[Window]:
    """A window that has that folder open and has begun its work."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(WAIT_SECONDS * 1000)
    # Outside of this machine there is nothing to find; to look for it would only take time.
    context.route(
        re.compile(r"^https?://(?!127\.0\.0\.1|.*vscode-resource|.*vscode-webview)"),
        lambda route: route.abort(),
    )
    page = context.new_page()
    try:
        page.goto(host.at(folder), wait_until="domcontentloaded")
        page.wait_for_selector(".monaco-workbench .activitybar")
        yield Window(page=page, name=name)
    finally:
        context.close()


def _spaced(text: str | re.Pattern[str]) -> re.Pattern[str]:
    """An editor shows a space as one that does not break."""
    if isinstance(text, re.Pattern):
        return text
    return re.compile(re.escape(text).replace("\\ ", r"[\s\u00a0]"))


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{url}/version", timeout=5).close()
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
