"""What is generated is fresh, says so when it is not, and is right by the tools of its language."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import fields

from branchwork.protocol import generate
from branchwork.protocol.capabilities import InitializationOptions
from branchwork.protocol.registry import COMMANDS, NOTIFICATIONS, REQUESTS
from support import npm_tools, tools

TYPESCRIPT = ("typescript", "7.0.2")
LANGUAGE_CLIENT = ("vscode-languageclient", "11.0.0")
PROTOCOL_TS = generate.CHECKOUT / "editor-clients/vscode/src/protocol.ts"
PACKAGE_JSON = generate.CHECKOUT / "editor-clients/vscode/package.json"
PROTOCOL_LUA = generate.CHECKOUT / "editor-clients/nvim/lua/branchwork/protocol.lua"
PAGE = generate.CHECKOUT / "docs/protocol.md"

USE_TS = """
import type { LanguageClient } from "vscode-languageclient/node";
import * as protocol from "./protocol";

export async function use(client: LanguageClient): Promise<protocol.TaskStatus | undefined> {
  client.onNotification(protocol.changed, (params) => {
    params.changes.forEach((change) => console.log(change.entity, change.op));
  });
  client.onProgress(protocol.conversationEntriesProgress, "token", (part) => {
    for (const change of part.changes) {
      if (change.entry?.kind === "tool_call") console.log(change.entry.title);
    }
  });
  // @ts-expect-error the id is missing
  await client.sendRequest(protocol.taskGet, {});
  const result = await client.sendRequest(protocol.taskList, { limit: 5 });
  return result.tasks[0]?.status;
}
"""


def run_generate(*argv: str) -> subprocess.CompletedProcess[str]:
    module = [sys.executable, "-m", "branchwork.protocol.generate"]
    return subprocess.run([*module, *argv], capture_output=True, text=True)


def test_the_generated_files_are_fresh():
    assert generate.stale(generate.CHECKOUT) == []


def test_check_names_what_is_stale_and_changes_nothing(tmp_path):
    root = tmp_path / "checkout"
    missing = run_generate("--check", "--root", str(root))
    assert missing.returncode == 1
    assert [line.split(" ")[0] for line in missing.stdout.splitlines()] == list(generate.WRITERS)
    assert not root.exists()

    assert run_generate("--root", str(root)).returncode == 0
    assert run_generate("--check", "--root", str(root)).returncode == 0

    page = root / "docs" / "protocol.md"
    page.write_text(page.read_text() + "\nby hand\n")
    stale = run_generate("--check", "--root", str(root))
    assert stale.returncode == 1
    assert stale.stdout.startswith("docs/protocol.md is stale")
    assert page.read_text().endswith("by hand\n")


def test_of_a_package_json_only_the_settings_are_written(tmp_path):
    package = tmp_path / "editor-clients/vscode/package.json"
    package.parent.mkdir(parents=True)
    settings = {"title": "Old", "properties": {"branchwork.gone": {"type": "boolean"}}}
    contributes = {"configuration": settings, "commands": [{"command": "branchwork.stop"}]}
    package.write_text(json.dumps({"name": "branchwork", "contributes": contributes}))
    assert run_generate("--root", str(tmp_path)).returncode == 0
    written = json.loads(package.read_text())
    assert written["name"] == "branchwork"
    assert written["contributes"]["commands"] == contributes["commands"]
    assert (
        written["contributes"]["configuration"]
        == json.loads(PACKAGE_JSON.read_text())["contributes"]["configuration"]
    )


def test_what_the_server_takes_as_options_can_be_set_in_vs_code():
    properties = json.loads(PACKAGE_JSON.read_text())["contributes"]["configuration"]["properties"]
    assert properties["branchwork.lens"] | {"order": 0} == {
        "type": "boolean",
        "default": False,
        "markdownDescription": "Code lenses over TODO comments: "
        "create a task, or create and start it.",
        "order": 0,
    }
    assert properties["branchwork.logLevel"]["enum"] == ["error", "warning", "info", "log"]
    names = {f"branchwork.{each.encode_name}" for each in fields(InitializationOptions)}
    assert names < set(properties)


def test_two_processes_write_the_same(tmp_path):
    for name in ("one", "two"):
        assert run_generate("--root", str(tmp_path / name)).returncode == 0
    for name in generate.WRITERS:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_typescript_is_right_and_typed(tmp_path):
    client = npm_tools.ensure(*LANGUAGE_CLIENT)
    (tmp_path / "node_modules").symlink_to(client / "node_modules")
    (tmp_path / "protocol.ts").write_text(PROTOCOL_TS.read_text())
    (tmp_path / "use.ts").write_text(USE_TS)
    options = {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "module": "nodenext",
        "target": "es2022",
        "types": [],
    }
    files = ["protocol.ts", "use.ts"]
    (tmp_path / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": options, "files": files})
    )
    done = subprocess.run(
        [npm_tools.executable(*TYPESCRIPT, "tsc"), "--project", str(tmp_path)],
        capture_output=True,
        text=True,
        env=npm_tools.environment(),
        timeout=300,
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@pytest.mark.editor
def test_neovim_loads_the_lua_and_finds_every_name(tmp_path):
    script = tmp_path / "print.lua"
    script.write_text("io.write(vim.json.encode(dofile(arg[1])))")
    done = subprocess.run(
        [tools.neovim(), "--clean", "--headless", "-l", script, PROTOCOL_LUA],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert set(loaded["methods"].values()) == set(REQUESTS)
    assert set(loaded["notifications"].values()) == set(NOTIFICATIONS)
    assert set(loaded["commands"].values()) == set(COMMANDS)
    assert loaded["errors"]["NotFound"] == -32010


def test_every_class_that_lua_annotations_name_is_defined():
    text = PROTOCOL_LUA.read_text()
    defined = set(re.findall(r"^---@(?:class|alias) (branchwork\.\w+)", text, re.MULTILINE))
    assert set(re.findall(r"branchwork\.[A-Z]\w+", text)) == defined


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", text, re.MULTILINE)


def test_every_link_of_the_page_leads_somewhere():
    text = PAGE.read_text()
    anchors = [each.lower().replace("/", "").replace(" ", "-") for each in headings(text)]
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\(#(.*?)\)", text)) <= set(anchors)


def test_every_method_has_an_entry_with_an_example_of_json():
    text = PAGE.read_text()
    assert set(REQUESTS) | set(NOTIFICATIONS) <= set(headings(text))
    blocks = re.findall(r"^```jsonc\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == len(REQUESTS) + len(NOTIFICATIONS)
    for block in blocks:
        for part in re.split(r"^// .*\n", block, flags=re.MULTILINE):
            assert part == "" or isinstance(json.loads(part), dict)


def test_a_table_row_has_its_three_cells():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows
    assert {line.count(" |") for line in rows} == {3}


@pytest.mark.parametrize(
    "path", [PAGE, PROTOCOL_TS, PROTOCOL_LUA, PACKAGE_JSON], ids=lambda path: path.name
)
def test_nothing_of_the_machine_gets_in(path: Path):
    text = path.read_text()
    assert text.endswith("\n")
    assert "object at 0x" not in text
    assert "typing." not in text
