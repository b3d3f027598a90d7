"""branchwork/project/*."""

from msgspec import UNSET

from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages, targets
from branchwork.lsp.registry import Features
from branchwork.protocol import projects as wire
from branchwork.services import projects, removal, repos, views
from branchwork.store.transaction import Transaction


async def list_projects(
    ls: EditorConnection, params: wire.ProjectListParams
) -> wire.ProjectListResult:
    """By name."""
    read = await views.reading(ls.app, views.projects_by_name)
    found, cursor = pages.slice_of(read.value, params.limit, params.cursor)
    return wire.ProjectListResult(
        **pages.reading(read),
        projects=[to_protocol.project(view) for view in found],
        next_cursor=cursor,
        current=to_protocol.current(await targets.place(ls)),
    )


async def get_project(ls: EditorConnection, params: wire.ProjectGetParams) -> wire.ProjectGetResult:
    """With its repos."""

    def read(tx: Transaction) -> tuple[views.ProjectView, list[views.Member]]:
        return views.project_view(tx, params.project_id), views.members(tx, params.project_id)

    found = await views.reading(ls.app, read)
    project, members = found.value
    return wire.ProjectGetResult(
        **pages.reading(found),
        project=to_protocol.project(project),
        repos=[to_protocol.member(member) for member in members],
    )


async def create_project(
    ls: EditorConnection, params: wire.ProjectCreateParams
) -> wire.ProjectResult:
    """With some repos."""
    project = await projects.create(
        ls.app,
        params.name,
        params.repo_ids,
        default_agent_working_dir=params.default_agent_working_dir,
    )
    return await _result(ls, project.id)


async def update_project(
    ls: EditorConnection, params: wire.ProjectUpdateParams
) -> wire.ProjectResult:
    """Its own fields."""
    values = given(params, "name", "default_agent_working_dir")
    project = await projects.update(ls.app, params.project_id, params.expected_revision, **values)
    return await _result(ls, project.id)


async def delete_project(
    ls: EditorConnection, params: wire.ProjectDeleteParams
) -> wire.ProjectDeleteResult:
    """With its tasks and their workspaces."""
    removed = await removal.delete_project(
        ls.app,
        params.project_id,
        ls.environment,
        expected_revision=params.expected_revision,
        stop_running=params.stop_running,
    )
    return wire.ProjectDeleteResult(
        task_ids=list(removed.task_ids),
        workspace_ids=list(removed.workspace_ids),
        kept_branches=list(removed.kept_branches),
    )


async def add_repo(
    ls: EditorConnection, params: wire.ProjectAddRepoParams
) -> wire.ProjectAddRepoResult:
    """By id or by a path in it."""
    targets.required(params, "repo_id", "path")
    repo_id = params.repo_id
    if repo_id is None:
        repo, _ = await repos.register(ls.app, params.path or "", params.project_id)
        repo_id = repo.id
    values = given(params, "setup_script", "cleanup_script", "copy_files", "parallel_setup_script")
    link = await projects.add_repo(
        ls.app, params.project_id, repo_id, params.expected_revision, **values
    )
    member = await ls.app.store.read(lambda tx: views.member(tx, link))
    whole = await _result(ls, params.project_id)
    return wire.ProjectAddRepoResult(project=whole.project, member=to_protocol.member(member))


async def remove_repo(
    ls: EditorConnection, params: wire.ProjectRemoveRepoParams
) -> wire.ProjectResult:
    """Only from the project."""
    await projects.remove_repo(ls.app, params.project_id, params.repo_id)
    return await _result(ls, params.project_id)


def given(params: object, *names: str) -> dict[str, object]:
    """The fields that the editor gave; one that it left out stays as it is."""
    values = {name: getattr(params, name) for name in names}
    return {name: value for name, value in values.items() if value is not UNSET}


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_projects)
    features.method(wire.GET, get_project)
    features.method(wire.CREATE, create_project)
    features.method(wire.UPDATE, update_project)
    features.method(wire.DELETE, delete_project)
    features.method(wire.ADD_REPO, add_repo)
    features.method(wire.REMOVE_REPO, remove_repo)


async def _result(ls: EditorConnection, project_id: str) -> wire.ProjectResult:
    view = await ls.app.store.read(lambda tx: views.project_view(tx, project_id))
    return wire.ProjectResult(project=to_protocol.project(view))
