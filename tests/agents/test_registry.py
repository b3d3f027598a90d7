"""Which agents there are, with and without a file of the user's."""

import json
from pathlib import Path
from typing import Any

import pytest

from branchwork.agents import registry
from branchwork.agents.agent import Policy
from branchwork.domain.errors import AgentUnavailable

SHIPPED = {
    "claude-acp": "CLAUDE_CODE",
    "codex-acp": "CODEX",
    "gemini": "GEMINI",
    "opencode": "OPENCODE",
    "github-copilot-cli": "COPILOT",
    "qwen-code": "QWEN_CODE",
    "scripted": "SCRIPTED",
}


def test_the_shipped_agents() -> None:
    agents = registry.load().agents
    assert {id_: agent.executor for id_, agent in agents.items()} == SHIPPED


def test_each_real_agent_is_pinned_and_has_a_mode_for_each_policy() -> None:
    for agent in registry.load().visible:
        assert agent.npx is not None
        assert agent.npx.package.endswith(f"@{agent.version}")
        assert set(agent.modes) == set(Policy)
        assert agent.login


@pytest.mark.parametrize("name", ["gemini", "GEMINI", "Gemini "])
def test_found_by_id_or_executor(name: str) -> None:
    assert registry.load().find(name).id == "gemini"


def test_the_scripted_agent_is_there_for_who_asks() -> None:
    found = registry.load()
    assert found.find("SCRIPTED").hidden
    assert "scripted" not in [agent.id for agent in found.visible]


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(AgentUnavailable, match=r"claude-acp \(CLAUDE_CODE\), codex-acp"):
        registry.load().find("cursor")


def load(folder: Path, content: Any) -> registry.Registry:
    file = folder / "agents.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return registry.load(file)


def test_an_entry_of_the_registry_works_as_it_is(tmp_path: Path) -> None:
    entry = {
        "id": "goose",
        "name": "goose",
        "version": "1.2.0",
        "description": "An agent",
        "repository": "https://example.org/goose",
        "distribution": {"uvx": {"package": "goose-acp", "args": ["acp"], "env": {"A": "b"}}},
    }
    goose = load(tmp_path, {"version": "1.0.0", "agents": [entry]}).find("GOOSE")
    assert goose.uvx is not None
    assert (goose.uvx.package, goose.uvx.args) == ("goose-acp==1.2.0", ("acp",))


def test_the_users_keys_win_and_tables_are_merged(tmp_path: Path) -> None:
    mine = [{"id": "gemini", "modes": {"ask": "plan"}, "env": {"X": "1"}, "quietSeconds": 3}]
    gemini = load(tmp_path, mine).find("gemini")
    assert gemini.modes[Policy.ASK] == "plan"
    assert gemini.modes[Policy.BYPASS] == "yolo"
    assert gemini.env == {
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "GEMINI_CLI_NO_RELAUNCH": "1",
        "X": "1",
    }
    assert (gemini.quiet_seconds, gemini.name) == (3, "Gemini CLI")


def test_another_way_to_start_it_replaces_the_executables(tmp_path: Path) -> None:
    other = {"npx": {"package": "my-gemini@2", "args": ["--acp"]}}
    gemini = load(tmp_path, [{"id": "gemini", "distribution": other}]).find("gemini")
    assert gemini.executables == ()
    assert gemini.npx is not None
    assert gemini.npx.package == "my-gemini@2"


def test_a_plain_command(tmp_path: Path) -> None:
    mine = [{"id": "aider", "executor": "AIDER", "command": {"argv": ["aider", "-m", "{prompt}"]}}]
    assert load(tmp_path, mine).find("aider").command == ("aider", "-m", "{prompt}")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("{", "no JSON"),
        ("[" * 50_000, "no JSON"),
        (3, "must be a list"),
        ([3], "agents[0] must be an object"),
        ([{"name": "x"}], "agents[0].id"),
        ([{"id": ""}], "agents[0].id must not be empty"),
        ([{"id": "x"}], "nothing says how to start it"),
        ([{"id": "gemini", "env": {"A": 1}}], "agents[0].env.A must be a text"),
        ([{"id": "gemini", "modes": {"yolo": "y"}}], "agents[0].modes.yolo is none of ask"),
        ([{"id": "gemini", "quietSeconds": "2"}], "agents[0].quietSeconds"),
        ([{"id": "x", "command": {"argv": []}}], "agents[0].command.argv"),
        ([{"id": "x", "executables": [{"args": []}]}], "agents[0].executables[0].name"),
        ([{"id": "x", "distribution": {"npx": {}}}], "agents[0].distribution.npx.package"),
    ],
)
def test_a_broken_file_names_the_place_and_the_rest_goes_on(
    tmp_path: Path, content: Any, place: str
) -> None:
    found = load(tmp_path, content)
    (problem,) = found.problems
    assert place in problem.sentence
    assert str(tmp_path) in problem.sentence
    assert set(found.agents) == set(SHIPPED)


def test_one_broken_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    mine = [{"id": "bad"}, {"id": "good", "executables": ["good-acp"]}]
    found = load(tmp_path, mine)
    assert len(found.problems) == 1
    assert found.find("good").executor == "GOOD"


def test_a_file_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert registry.load(tmp_path / "agents.json").problems == ()
