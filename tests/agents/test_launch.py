"""How agents are started, by what is on the PATH of the one who asks."""

import os
from pathlib import Path

import pytest

from branchwork.agents import launch, registry
from branchwork.agents.acp.agent import AcpAgent
from branchwork.agents.agent import Policy
from branchwork.agents.command import CommandAgent
from branchwork.agents.registry import Description
from branchwork.domain.errors import AgentUnavailable, InvalidInput


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def install(programs: Path, *names: str) -> dict[str, str]:
    """An environment whose PATH has these programs and nothing else."""
    for name in names:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    return {"PATH": str(programs), "SECRET": "s3cret"}


def gemini() -> Description:
    return registry.load().find("gemini")


def test_an_installed_executable_comes_first(programs: Path) -> None:
    environment = install(programs, "gemini", "npx")
    found = launch.launch(gemini(), environment)
    assert found.argv == (str(programs / "gemini"), "--acp")
    assert not found.downloads
    assert launch.installed(gemini(), environment)


def test_else_npx_with_the_pinned_version(programs: Path) -> None:
    environment = install(programs, "npx")
    found = launch.launch(gemini(), environment)
    assert found.argv == (str(programs / "npx"), "-y", "@google/gemini-cli@0.61.0", "--acp")
    assert found.downloads
    assert not launch.installed(gemini(), environment)


def test_else_uvx(programs: Path) -> None:
    package = registry.Package(package="goose==1", args=("acp",), env={"G": "1"})
    goose = Description(id="goose", name="goose", executor="GOOSE", uvx=package)
    found = launch.launch(goose, install(programs, "uvx", "npx"))
    assert found.argv == (str(programs / "uvx"), "goose==1", "acp")
    assert found.env["G"] == "1"


def test_else_it_says_what_to_install(programs: Path) -> None:
    with pytest.raises(AgentUnavailable, match=r"install gemini, or install Node\.js") as problem:
        launch.launch(gemini(), install(programs))
    assert problem.value.reason == "agentNotInstalled"
    assert str(programs) in problem.value.sentence
    assert "s3cret" not in str(problem.value)


def test_the_path_of_the_daemon_does_not_count() -> None:
    assert launch.ways(gemini(), {}) == []


def test_what_is_not_executable_is_not_installed(programs: Path) -> None:
    environment = install(programs, "gemini")
    (programs / "gemini").chmod(0o644)
    assert not launch.installed(gemini(), environment)


def test_the_persons_variables_win_over_the_description(programs: Path) -> None:
    environment = install(programs, "gemini")
    own = {**environment, "GEMINI_CLI_TRUST_WORKSPACE": "false"}
    assert launch.launch(gemini(), environment).env["GEMINI_CLI_TRUST_WORKSPACE"] == "true"
    assert launch.launch(gemini(), own).env["GEMINI_CLI_TRUST_WORKSPACE"] == "false"


def test_the_policy_wins_over_everything(programs: Path) -> None:
    opencode = registry.load().find("opencode")
    environment = {**install(programs, "opencode"), "OPENCODE_PERMISSION": "{}"}
    asking = launch.launch(opencode, environment, Policy.ASK).env["OPENCODE_PERMISSION"]
    assert '"edit":"ask"' in asking


def test_an_environment_is_never_printed(programs: Path) -> None:
    assert "s3cret" not in repr(launch.launch(gemini(), install(programs, "gemini")))


def test_the_scripted_agent_is_always_installed() -> None:
    scripted = registry.load().find("scripted")
    assert launch.installed(scripted, {})
    assert os.access(launch.launch(scripted, {}).argv[0], os.X_OK)


def command(*argv: str) -> Description:
    return Description(id="c", name="c", executor="C", command=argv)


def test_the_prompt_of_a_plain_command_may_be_an_argument(programs: Path) -> None:
    environment = install(programs, "tool")
    found = launch.launch(command("tool", "-m", "{prompt}"), environment, prompt="do {prompt} it")
    assert found.argv == (str(programs / "tool"), "-m", "do {prompt} it")
    with pytest.raises(InvalidInput, match="too long"):
        launch.launch(command("tool", "{prompt}"), environment, prompt="x" * 200_000)


def test_a_missing_command_says_so(programs: Path) -> None:
    with pytest.raises(AgentUnavailable, match="install tool"):
        launch.launch(command("tool"), install(programs))


def test_who_talks_to_it() -> None:
    assert isinstance(launch.agent_for(gemini()), AcpAgent)
    assert isinstance(launch.agent_for(command("tool")), CommandAgent)


def test_a_turn_knows_what_the_description_says() -> None:
    claude = registry.load().find("claude-acp")
    turn = launch.turn_for(claude, prompt="p", cwd="/r")
    assert (turn.mode, turn.policy, turn.quiet_seconds) == ("default", Policy.ASK, 2)
    assert "claude" in turn.login_hint
    assert turn.start_seconds is not None
    downloading = launch.turn_for(claude, prompt="p", cwd="/r", downloads=True)
    assert downloading.start_seconds is None
