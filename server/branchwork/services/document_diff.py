"""What a workspace changed, as a document: files with counts, and their patches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import BranchworkError
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace
from branchwork.git.diffs import FileChange
from branchwork.services import markdown, reviews
from branchwork.services.anchors import anchor
from branchwork.services.app import App
from branchwork.services.document_names import Kind, reference
from branchwork.services.reviews import RepoDiff, RepoStatus
from branchwork.store.transaction import Transaction

_OMITTED: Mapping[str, str] = {
    "binary": "A binary file.",
    "tooLarge": "The patch is too long to be shown here.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A workspace with what git says of it; `problem` is why git could not say it."""

    task: Task
    workspace: Workspace
    diffs: Sequence[RepoDiff] = ()
    statuses: Sequence[RepoStatus] = ()
    problem: str | None = None

    @property
    def files(self) -> list[FileChange]:
        """Of all repos."""
        return [file for one in self.diffs for file in one.files]

    @property
    def to_merge(self) -> int | None:
        """How many files a merge would change; None where there is nothing to merge."""
        return len(self.files) if any(one.unmerged for one in self.statuses) else None


async def read(app: App, workspace_id: str, *, with_patch: bool) -> Review:
    """Rows and git together; raises NotFound."""

    def subject(tx: Transaction) -> tuple[Workspace, Task]:
        workspace = tx.get(Workspace, workspace_id)
        return workspace, tx.get(Task, workspace.task_id)

    workspace, task = await app.store.read(subject)
    try:
        return Review(
            task=task,
            workspace=workspace,
            diffs=await reviews.diff(app, workspace_id, with_patch=with_patch),
            statuses=await reviews.statuses(app, workspace_id),
        )
    except BranchworkError as error:
        return Review(task=task, workspace=workspace, problem=error.sentence)


def text(review: Review) -> str:
    """The document."""
    return "\n".join(_lines(review)) + "\n"


def counts(review: Review) -> str:
    """How much it is."""
    files = review.files
    added, deleted = sum(file.additions for file in files), sum(file.deletions for file in files)
    return f"{number(len(files), 'file')}, +{added} −{deleted}"


def number(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def standing(status: RepoStatus) -> str:
    """How a branch stands to its target."""
    target = markdown.code(status.attempt.link.target_branch)
    last = status.attempt.last_merge
    parts = []
    if status.unmerged:
        parts.append(f"{number(status.ahead, 'commit')} to merge into {target}")
    elif last is not None:
        parts.append(f"merged into {target} as {markdown.code((last.merge_commit or '')[:10])}")
    else:
        parts.append(f"nothing to merge into {target}")
    if not status.target_exists:
        parts.append("which does not exist any more")
    if status.behind:
        parts.append(f"{number(status.behind, 'commit')} behind")
    if not status.status.is_clean:
        parts.append(f"{number(len(status.status.changed), 'uncommitted file')}")
    return ", ".join(parts)


def _lines(review: Review) -> Iterator[str]:
    yield anchor(Kind.DIFF, review.workspace.id, files=review.to_merge)
    yield f"# Diff: {markdown.line(review.task.title)}"
    yield ""
    branch = markdown.code(review.workspace.branch)
    task = markdown.link("task", reference(Kind.TASK, review.task.id))
    yield f"{branch} · {counts(review)} · {task}"
    if review.problem is not None:
        yield ""
        yield markdown.line(review.problem)
    standings = {one.attempt.repo.id: standing(one) for one in review.statuses}
    for one in review.diffs:
        yield ""
        yield f"## {markdown.line(one.attempt.repo.display_name)}"
        yield ""
        yield standings.get(one.attempt.repo.id, "")
        yield ""
        for file in one.files:
            yield f"- {_listed(file, one.attempt.directory)}"
        for file in one.files:
            yield from _file(file, one)


def _listed(file: FileChange, directory: Path) -> str:
    name = markdown.link(file.path, (directory / file.path).as_uri())
    renamed = f" from {markdown.code(file.old_path)}" if file.old_path else ""
    size = "binary" if file.is_binary else f"+{file.additions} −{file.deletions}"
    return f"{file.status} {name}{renamed} {size}"


def _file(file: FileChange, diff: RepoDiff) -> Iterator[str]:
    yield ""
    yield f"### {markdown.line(file.path)}"
    yield ""
    patch = diff.patches.get(file.path)
    if patch is None:
        yield _OMITTED.get(diff.omitted.get(file.path, ""), "There is no patch of it.")
    else:
        yield markdown.fenced_patch(patch)
