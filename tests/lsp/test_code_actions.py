"""Code actions: tasks from selections, diagnostics and TODOs."""

from pathlib import Path
from typing import Any

import pytest

from support import person as story
from support.inproc import Client

CODE = """\
def last(items):
    # TODO(ada): handle empty input
    return items[-1]


x = 'é😀'; y = 1
"""


@pytest.fixture
def file(repository: Path) -> Path:
    """A file with a TODO and with characters of one, two and four bytes."""
    path = repository / "basket.py"
    path.write_text(CODE)
    return path


def titles(actions: list[Any]) -> list[str]:
    """What the editor shows."""
    return [action["title"] for action in actions]


async def test_a_selection(editor: Client, file: Path) -> None:
    """The first meaningful line is the title, the code the description."""
    actions = await story.offered(editor, file, 0, 3)
    assert titles(actions)[0] == 'Create task: "def last(items):"'
    assert all(action["kind"] == "quickfix" for action in actions)
    task = (await story.run(editor, actions[0]))["task"]
    assert task["description"].startswith("[basket.py:1](basket.py#L1)")
    assert "```py\ndef last(items):" in task["description"]


async def test_a_todo_under_the_cursor(editor: Client, file: Path) -> None:
    """Its text is the title, without the comment's signs and the name in brackets."""
    actions = await story.offered(editor, file, 1, 1)
    assert titles(actions)[0] == 'Create task: "handle empty input"'
    assert (await story.run(editor, actions[0]))["task"]["title"] == "handle empty input"


async def test_a_diagnostic(editor: Client, file: Path) -> None:
    """The action belongs to it, and the whole message is in the description."""
    place = {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 10}}
    message = "Sequence may be empty\nsecond line"
    actions = await story.offered(
        editor, file, 2, 2, diagnostics=[{"range": place, "message": message}]
    )
    assert actions[0]["diagnostics"][0]["message"] == message
    task = (await story.run(editor, actions[0]))["task"]
    assert task["title"] == "Sequence may be empty second line"
    assert message in task["description"]


async def test_nothing_is_offered_by_itself_on_a_plain_line(editor: Client, file: Path) -> None:
    """A light bulb on every line would be noise; who asks gets the line."""
    assert await story.offered(editor, file, 2, 2, triggerKind=2) == []
    assert titles(await story.offered(editor, file, 2, 2, triggerKind=1))
    assert await story.offered(editor, file, 0, 3, only=["refactor"]) == []


async def test_unsaved_text_and_utf16_places(editor: Client, file: Path) -> None:
    """The open document counts, and characters are counted as the editor does."""
    text = CODE.replace("y = 1", "y = 22")
    document = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": text}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    start = len("x = 'é😀'; ".encode("utf-16-le")) // 2
    place = {
        "start": {"line": 5, "character": start},
        "end": {"line": 5, "character": start + 6},
    }
    actions = await editor.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": file.as_uri()},
            "range": place,
            "context": {"diagnostics": []},
        },
    )
    assert titles(actions)[0] == 'Create task: "y = 22"'
    assert "y = 22" in (await story.run(editor, actions[0]))["task"]["description"]


async def test_a_fence_in_the_code_does_not_end_the_block(editor: Client, repository: Path) -> None:
    """The block's own fence is longer than any in it."""
    file = repository / "readme.md"
    file.write_text("text\n````\ncode\n````\n")
    task = (await story.run(editor, (await story.offered(editor, file, 0, 4))[0]))["task"]
    assert "`````md\ntext" in task["description"]


async def test_create_and_start_says_agent_and_branch(editor: Client, file: Path) -> None:
    """The agent used last in the project, on the branch that is checked out."""
    task = await story.new_task(editor, file.parent)
    await story.finished(editor, task, '[{"message": "done"}]')
    actions = await story.offered(editor, file, 1, 1)
    assert titles(actions)[1] == 'Create and start: "handle empty input" (Scripted agent, main)'
    asked = editor.wait_for("branchwork/attention/changed", story.asks)
    started = await story.run(editor, actions[1])
    assert started["task"]["title"] == "handle empty input"
    assert "basket.py" in str(started["notes"]) or "uncommitted" in str(started["notes"])
    await story.allow(editor, await asked)


async def test_commands_without_an_argument_do_something_useful(
    editor: Client, repository: Path
) -> None:
    """Never an arity error: some editors can give none."""
    await story.new_task(editor, repository)
    commands = editor.initialized["capabilities"]["executeCommandProvider"]["commands"]
    assert len(commands) >= 13
    for command in commands:
        await editor.request("workspace/executeCommand", {"command": command})
        await editor.request("workspace/executeCommand", {"command": command, "arguments": []})
