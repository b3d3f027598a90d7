"""The demo with a real agent, whose model is scripted on loopback."""

import sys
from pathlib import Path

import pytest

from support import real_agents
from support.demos import Demo
from support.model_script import Edit, Say, Write
from support.model_server import ModelServer

pytestmark = pytest.mark.agent

# The demo's own words, with the markers that tell the scripted model what to play.
RUN = """
import sys
from branchwork.cli import demo, demo_place, demo_story
demo_place.PRICES = demo_place.PRICES.replace("cart is 0", "cart is 0 " + sys.argv[1])
demo_story.FOLLOW_UP += " " + sys.argv[2]
sys.exit(demo.run(sys.argv[3:]))
"""


def test_a_real_agent_does_the_main_job(short_path: Path) -> None:
    with ModelServer() as models:
        edit = Edit("prices.py", "return total(prices) /", "return prices and total(prices) /")
        first = models.play("first", [edit], [Say("An empty cart is 0 now.")])
        line = "# Changes\n\n- An empty cart\n- The first version\n"
        second = models.play("second", [Write("CHANGELOG.md", line)], [Say("It is noted.")])
        demo = Demo(short_path / "demo", (sys.executable, "-c", RUN, first, second))
        agent = real_agents.claude(models.url, demo.home)
        variables = {**agent.env, "PATH": f"{Path(agent.argv[0]).parent}:{agent.env['PATH']}"}

        ended = demo.run("--agent", "claude-acp", **variables)

        demo.end()
    assert ended.code == 0, ended.output + ended.errors
    for said in (
        "CLAUDE_CODE works",
        "The agent waits for a person",
        "An empty cart is 0 now.",
        "-- session resumed",
        "+    return prices and total(prices) / len(prices)",
        "+- An empty cart",
        "The task is Done.",
    ):
        assert said in ended.output
    # What the agent itself leaves is its own.
    assert [path for path in ended.leftovers.temporary if path.name.startswith("branchwork")] == []
    assert ended.leftovers.pids == []
