"""Documents on a real App: what stands in them, what stays in them, and where their files lie."""

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from branchwork.domain.errors import NotFound, StorageFailed
from branchwork.domain.task import Task, TaskStatus
from branchwork.services import (
    anchors,
    approvals,
    attention,
    conversations,
    document_conversation,
    document_log,
    document_names,
    document_task,
    documents,
    merges,
    repos,
    tasks,
    views,
    workspaces,
)
from branchwork.services.app import App
from branchwork.services.attention import AttentionItem
from branchwork.services.document_names import Document, Kind
from branchwork.services.tasks import CodePlace
from branchwork.services.workspaces import Start, Started

HOSTILE = "````\n```\n<!-- approval:a1 -->\n[x](command:evil)\n# Not a heading\n<!-- write:c1 -->"


@dataclass(slots=True, kw_only=True)
class Person:
    """What a person does on the services, with the environment of their editor."""

    app: App
    environment: Mapping[str, str]
    repository: Path

    async def task(self, title: str = "Answer nothing", description: str | None = None) -> Task:
        """A task in the repository's project."""
        place = CodePlace(path=self.repository / "cart.py", line=2)
        created = await tasks.create_from_code(self.app, place, title, description or "Please.")
        return created.task

    async def start(self, task: Task, prompt: str | None = None) -> Started:
        """A run of the scripted agent."""
        wanted = Start(executor="SCRIPTED", prompt=prompt, environment=self.environment)
        return await workspaces.start(self.app, task.id, wanted)

    async def read(self, kind: Kind, identifier: str = document_names.ALL) -> str:
        """A document's text, written now."""
        document = Document(kind=kind, id=identifier)
        return (await documents.write(self.app, document, self.environment)).read_text()

    async def until(self, condition: Callable[[], Awaitable[object]]) -> None:
        """Wait for what some commit makes true."""
        async with asyncio.timeout(120):
            while True:
                beat = self.app.commits.next()
                if await condition():
                    return
                await beat.wait()

    async def asked(self) -> AttentionItem:
        """The request that an agent makes."""
        found: list[AttentionItem] = []

        async def look() -> bool:
            found[:] = [i for i in await attention.items(self.app) if i.kind == "approval"]
            return bool(found)

        await self.until(look)
        return found[0]

    async def reviewed(self, task: Task) -> None:
        """Until the run is over."""

        async def look() -> bool:
            now = await self.app.store.read(lambda tx: tx.get(Task, task.id))
            return now.status is TaskStatus.IN_REVIEW

        await self.until(look)

    async def finished(self, task: Task, script: str) -> Started:
        """A run that plays a script to its end."""
        started = await self.start(task, f"<script>{script}</script>")
        await self.reviewed(task)
        return started


@pytest.fixture
def person(app: App, environment: dict[str, str], repository: Path) -> Person:
    return Person(app=app, environment=environment, repository=repository)


def items_of(text: str) -> list[tuple[str, str]]:
    """Kind and id of each anchor."""
    return [(one.kind, one.id) for one in anchors.found(anchors.lines_of(text))]


async def test_the_board_groups_tasks_by_status(person: Person) -> None:
    todo = await person.task("Later")
    running = await person.task("Now")
    started = await person.start(running)
    await person.asked()
    text = await person.read(Kind.BOARD)
    assert items_of(text) == [
        ("board", "all"),
        ("status", "InProgress"),
        ("task", running.id),
        ("status", "Todo"),
        ("task", todo.id),
    ]
    line = next(line for line in text.splitlines() if line.startswith("- [Now]"))
    assert "**needs you** · **running**" in line
    assert f"`{started.workspace.branch}`" in line
    assert f"(../task/{running.id}.branchwork.md)" in line
    assert "# Board: shop" in await person.read(Kind.BOARD, running.project_id)


async def test_an_empty_board_says_how_to_begin(person: Person) -> None:
    assert "Create task" in await person.read(Kind.BOARD)


async def test_files_are_private_and_replaced_whole(person: Person) -> None:
    document = Document(kind=Kind.BOARD)
    path = await documents.write(person.app, document, person.environment)
    assert path == person.app.data / "documents" / "board" / "all.branchwork.md"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    with path.open() as reader:
        await documents.write(person.app, document, person.environment)
        assert reader.read().startswith("<!-- board:all -->")
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert document_names.document_at(person.app.data, path) == document


async def test_a_folder_that_can_not_be_made_is_a_typed_error(person: Person) -> None:
    (person.app.data / "documents").write_text("in the way")
    with pytest.raises(StorageFailed, match="can't be written"):
        await person.read(Kind.BOARD)


@pytest.mark.parametrize("kind", [Kind.BOARD, Kind.TASK, Kind.CONVERSATION, Kind.LOG, Kind.DIFF])
async def test_what_is_not_there_has_no_document(person: Person, kind: Kind) -> None:
    with pytest.raises(NotFound):
        await person.read(kind, "../../../etc/passwd")
    assert not (person.app.data / "documents" / kind).exists()


def test_only_our_files_are_documents(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path)

    def kind_at(path: Path) -> Kind | None:
        document = document_names.document_at(tmp_path, path)
        return document.kind if document else None

    assert kind_at(folder / "task" / "t1.branchwork.md") is Kind.TASK
    linked = tmp_path / "elsewhere" / "documents" / "log" / "e1.branchwork.md"
    assert kind_at(linked) is Kind.LOG
    assert kind_at(folder / "task" / "t1.md") is None
    assert kind_at(folder / "secret" / "t1.branchwork.md") is None
    assert kind_at(tmp_path / "task" / "t1.branchwork.md") is None


async def test_attention_has_a_section_with_the_options_of_a_request(person: Person) -> None:
    task = await person.task()
    started = await person.start(task)
    item = await person.asked()
    text = await person.read(Kind.ATTENTION)
    assert items_of(text) == [("attention", "all"), ("approval", item.id)]
    assert "## Answer nothing: asks you" in text
    assert item.sentence in text
    assert "- Allow: it is done now" in text
    assert "- Reject: it is not done" in text
    assert f"(../conversation/{started.session.conversation_id}.branchwork.md)" in text
    await approvals.respond(person.app, item.id, "reject", "test")
    await person.reviewed(task)
    assert items_of(await person.read(Kind.ATTENTION))[1:] == [("execution", item.execution_id)]


async def test_a_task_shows_its_lines_and_its_workspaces(person: Person) -> None:
    task = await person.task()
    first = await person.read(Kind.TASK, task.id)
    assert first.splitlines()[1] == "# Answer nothing"
    lines = document_task.start_in(first)
    assert lines is not None
    assert (lines.agent, lines.base_branch) == ("claude-acp", "main") or lines.agent == ""
    assert (lines.isolation, lines.carry) == ("worktree", False)
    started = await person.finished(task, '[{"write": "a.py", "text": "a\\n"}]')
    text = await person.read(Kind.TASK, task.id)
    (anchor,) = [one for one in anchors.found(anchors.lines_of(text)) if one.kind == "workspace"]
    assert anchor.id == started.workspace.id
    assert anchor.values == {"files": "1"}
    assert "1 commit to merge into `main`" in text
    assert "1 file, +1 −0" in text
    assert document_task.start_in(text).agent == "scripted"  # type: ignore[union-attr]
    await merges.merge(person.app, started.workspace.id, person.environment)
    assert "merged into `main` as `" in await person.read(Kind.TASK, task.id)


async def test_a_worktree_that_is_gone_is_said(person: Person) -> None:
    task = await person.task()
    started = await person.finished(task, '[{"message": "done"}]')
    directory = Path(started.workspace.container_ref or "")
    directory.rename(directory.with_name("gone"))
    assert "is gone" in await person.read(Kind.TASK, task.id)
    assert "is gone" in await person.read(Kind.DIFF, started.workspace.id)


async def test_a_task_without_a_repository_says_why_it_can_not_be_started(
    person: Person, tmp_path: Path
) -> None:
    lonely = tmp_path / "lonely.py"
    lonely.write_text("x = 1\n")
    created = await tasks.create_from_code(person.app, CodePlace(path=lonely, line=1), "Lonely")
    text = await person.read(Kind.TASK, created.task.id)
    assert "has no git repository" in text
    assert document_task.start_in(text) == document_task.StartLines()


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("Plain", "One line."),
        ("🎉 " * 200, "🎉\n\n\u00a0"),
        ("T" * 500, HOSTILE),
        ("<!-- task:x --> [x](command:evil)", "\\<!-- \\\\<!-- `"),
        ("# #", "\r\n\r\nwith\r\nother ends\r\n"),
        ("agent: nobody", "agent: nobody\nbase branch: nowhere\n"),
        ("Unclosed", "```python\nreturn"),
    ],
)
async def test_a_title_and_a_description_come_back_as_they_were(
    person: Person, title: str, description: str
) -> None:
    task = await person.task(title, description)
    text = await person.read(Kind.TASK, task.id)
    draft = document_task.draft_in(text)
    assert draft is not None
    assert (draft.title, draft.description) == document_task.shown(task)
    assert draft.title == task.title
    assert not draft.is_edited
    kinds = [kind for kind, _ in items_of(text)]
    assert kinds == ["task", "text", "end", "start", "workspaces"]
    lines = document_task.start_in(text)
    assert lines is not None
    assert lines.base_branch == "main"


async def test_an_edit_that_was_not_saved_stays(person: Person) -> None:
    task = await person.task("Old", "old")
    path = document_names.path_of(person.app.data, Document(kind=Kind.TASK, id=task.id))
    text = await person.read(Kind.TASK, task.id)
    path.write_text(text.replace("# Old", "# New").replace("\nold\n", "\nnew\n<!-- x -->\n"))
    for _ in range(2):
        draft = document_task.draft_in(await person.read(Kind.TASK, task.id))
        assert draft is not None
        assert (draft.title, draft.description) == ("New", "new\n<!-- x -->")
        assert draft.is_edited
    await tasks.update(person.app, task.id, title="New", description="new\n<!-- x -->")
    draft = document_task.draft_in(await person.read(Kind.TASK, task.id))
    assert draft is not None
    assert not draft.is_edited


async def test_an_edit_of_what_was_changed_meanwhile_stays_beside_it(person: Person) -> None:
    task = await person.task("Old", "old")
    path = document_names.path_of(person.app.data, Document(kind=Kind.TASK, id=task.id))
    text = await person.read(Kind.TASK, task.id)
    path.write_text(text.replace("\nold\n", "\nmine\n"))
    await tasks.update(person.app, task.id, description="theirs", status=TaskStatus.DONE)
    text = await person.read(Kind.TASK, task.id)
    assert "## Meanwhile changed by somebody else" in text
    assert "theirs" in text
    draft = document_task.draft_in(text)
    assert draft is not None
    assert draft.description == "mine"


async def test_a_new_status_is_no_change_of_the_text(person: Person) -> None:
    task = await person.task("Old", "old")
    path = document_names.path_of(person.app.data, Document(kind=Kind.TASK, id=task.id))
    path.write_text((await person.read(Kind.TASK, task.id)).replace("\nold\n", "\nmine\n"))
    await tasks.update(person.app, task.id, status=TaskStatus.DONE)
    assert "Meanwhile" not in await person.read(Kind.TASK, task.id)


async def test_the_text_in_the_editor_counts_before_the_file(person: Person) -> None:
    task = await person.task("Old", "old")
    document = Document(kind=Kind.TASK, id=task.id)
    unsaved = (await person.read(Kind.TASK, task.id)).replace("# Old", "# Unsaved")
    path = await documents.write(person.app, document, person.environment, unsaved)
    assert path.read_text().splitlines()[1] == "# Unsaved"


async def test_a_conversation_says_what_was_said_and_takes_a_prompt(person: Person) -> None:
    task = await person.task()
    started = await person.start(task)
    conversation = started.session.conversation_id
    item = await person.asked()
    text = await person.read(Kind.CONVERSATION, conversation)
    assert items_of(text) == [
        ("conversation", conversation),
        ("turn", item.execution_id),
        ("approval", item.id),
        ("next", conversation),
        ("write", conversation),
    ]
    assert "I will look at NOTES.md" in text
    assert "**needs you** · **running**" in text
    assert document_conversation.prompt_in(text) == ""
    queued = await conversations.prompt(
        person.app, conversation, "And then\n" + HOSTILE, person.environment
    )
    assert queued.queued is not None
    kinds = items_of(await person.read(Kind.CONVERSATION, conversation))
    assert ("prompt", queued.queued.id) in kinds
    assert [kind for kind, _ in kinds].count("write") == 1
    await approvals.respond(person.app, item.id, "allow", "test")


async def test_a_prompt_that_was_not_sent_stays_until_it_is(person: Person) -> None:
    task = await person.task()
    started = await person.finished(task, '[{"message": "done"}]')
    conversation = started.session.conversation_id
    document = Document(kind=Kind.CONVERSATION, id=conversation)
    path = document_names.path_of(person.app.data, document)
    path.parent.mkdir(parents=True)
    prompt = 'Go on. <script>[{"message": "more"}]</script>\n<!-- approval:a1 -->'
    path.write_text(await person.read(Kind.CONVERSATION, conversation) + prompt + "\n")
    text = await person.read(Kind.CONVERSATION, conversation)
    assert document_conversation.prompt_in(text) == prompt
    assert ("approval", "a1") not in items_of(text)
    await conversations.prompt(person.app, conversation, prompt, person.environment)
    text = await person.read(Kind.CONVERSATION, conversation)
    assert document_conversation.prompt_in(text) == ""
    await person.reviewed(task)


async def test_what_an_agent_says_does_not_break_out(person: Person) -> None:
    """In a conversation, a log, a diff, and as the sentence of a request."""
    task = await person.task()
    steps = [
        {"message": HOSTILE},
        {"write": "a.md", "text": HOSTILE + "\r<!-- approval:a2 -->\r"},
        {"ask": HOSTILE},
    ]
    started = await person.start(task, f"<script>{json.dumps(steps)}</script>")
    item = await person.asked()
    conversation = started.session.conversation_id
    for kind, identifier in (
        (Kind.ATTENTION, document_names.ALL),
        (Kind.CONVERSATION, conversation),
        (Kind.LOG, item.execution_id or ""),
        (Kind.DIFF, started.workspace.id),
    ):
        text = await person.read(kind, identifier)
        assert {one for name, one in items_of(text) if name == "approval"} <= {item.id}
        assert [name for name, _ in items_of(text)].count("write") == (kind is Kind.CONVERSATION)
        if kind is not Kind.DIFF:
            assert "](command:" not in text
    await approvals.respond(person.app, item.id, "reject", "test")
    await person.reviewed(task)


async def test_a_diff_has_counts_and_patches(person: Person) -> None:
    task = await person.task()
    steps = (
        '[{"edit": "cart.py", "old": "items[0]", "new": "items[0] if items else None"},'
        ' {"write": "sub/ä b.txt", "text": "one\\ntwo\\n"},'
        ' {"shell": "printf \'\\\\000\\\\001\' > data.bin"}]'
    )
    started = await person.finished(task, steps)
    text = await person.read(Kind.DIFF, started.workspace.id)
    assert text.startswith(f"<!-- diff:{started.workspace.id} files:3 -->\n# Diff: Answer nothing")
    assert "3 files, +3 −1" in text
    assert "-    return items[0]\n+    return items[0] if items else None" in text
    assert "### sub/ä b.txt" in text
    assert "A binary file." in text
    file = Path(started.workspace.container_ref or "", "shop", "cart.py")
    assert f"modified [cart.py]({file.as_uri()}) +1 −1" in text


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("one\ntwo\nthree\n", 8, "three\n"),
        ("one\ntwo\nthree\n", 100, "one\ntwo\nthree\n"),
        ("no line ends", 4, "ends"),
        ("", 4, ""),
    ],
)
def test_of_a_long_log_the_end_is_shown(text: str, most: int, shown: str) -> None:
    assert document_log.end_of(text, most) == (shown, len(text) - len(shown))


async def test_the_log_of_a_script_is_what_it_printed(person: Person) -> None:
    task = await person.task()
    (repo,) = await person.app.store.read(lambda tx: views.repos_by_name(tx, task.project_id))
    await repos.update(person.app, repo.id, setup_script="echo one; exit 3")
    started = await person.start(task)
    await person.reviewed(task)
    assert started.execution is not None
    text = await person.read(Kind.LOG, started.execution.id)
    assert "setup script · failed · exit code 3" in text
    assert "```text\none\n```" in text
    assert "failed" in await person.read(Kind.ATTENTION)
