"""The README's commands do what it says, in a HOME of their own."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from support import vscode_tools

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text("utf-8")
NEOVIM = (CHECKOUT / "docs" / "editors" / "neovim.md").read_text("utf-8")

COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", README, flags=re.M | re.S)
    for line in block.splitlines()
]
# This is running it; and a real agent has tests of its own.
ONLY_LOOKED_AT = ("make test", 'make demo ARGS="--agent claude-acp"')
INSTALL_EXTENSION = "code --install-extension editor-clients/vscode/branchwork.vsix"
SECONDS = 900


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def run(command: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """As a person who has just made this checkout, with the node that the README wants."""
    env = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    env["PATH"] = vscode_tools.node_environment()["PATH"]
    return subprocess.run(
        command,
        shell=True,
        cwd=CHECKOUT,
        env={**env, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one not in (*ONLY_LOOKED_AT, INSTALL_EXTENSION)]
)
def test_a_command_of_the_readme_works(
    command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.monotonic()

    done = run(command, home)

    with capsys.disabled():
        print(f"\nREADME: `{command}` took {time.monotonic() - begin:.1f} s")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", ONLY_LOOKED_AT)
def test_a_longer_command_of_the_readme_is_a_command(command: str, home: Path) -> None:
    assert command in COMMANDS

    done = run(f"{command} --dry-run", home)

    assert done.returncode == 0, done.stderr


@pytest.mark.editor
def test_what_is_packed_can_be_installed(home: Path) -> None:
    """By code-server, which takes the same argument."""
    assert COMMANDS.index("make vsix") == COMMANDS.index(INSTALL_EXTENSION) - 1
    vscode_tools.vsix()
    code = vscode_tools.code_server().parents[1] / "out" / "node" / "entry.js"

    done = run(INSTALL_EXTENSION.replace("code", f"node {code}", 1), home)

    assert done.returncode == 0, done.stdout + done.stderr
    found = run(f"node {code} --list-extensions", home)
    assert "branchwork.branchwork" in found.stdout.splitlines()


def test_all_tests_begin_with_the_checks(home: Path) -> None:
    lines = run("make --dry-run test", home).stdout.splitlines()

    assert lines[0] == ".ci/setup dev"
    assert "ruff format --check" in lines[1]
    assert "pytest" in lines[-1]


def test_the_link_that_the_readme_makes_is_the_server(home: Path) -> None:
    for command in COMMANDS:
        if command.startswith(("mkdir", "ln")):
            assert run(command, home).returncode == 0

    done = run(f"{home}/.local/bin/branchwork --version", home)

    assert re.fullmatch(r"\d+\.\d+\.\d+\n", done.stdout), done.stderr


def test_its_neovim_configuration_is_the_one_that_is_tested() -> None:
    blocks = re.findall(r"^```lua\n.*?^```$", README, flags=re.M | re.S)

    assert len(blocks) == 1
    assert [block for block in blocks if block not in NEOVIM] == []


def test_the_files_that_it_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []
