"""branchwork/repo/*."""

from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages, targets
from branchwork.lsp.features.projects import given
from branchwork.lsp.registry import Features
from branchwork.protocol import repos as wire
from branchwork.services import repos, views

EDITABLE = (
    "path",
    "display_name",
    "setup_script",
    "cleanup_script",
    "archive_script",
    "copy_files",
    "parallel_setup_script",
    "dev_server_script",
    "default_target_branch",
    "default_working_dir",
    "auto_commit",
)


async def list_repos(ls: EditorConnection, params: wire.RepoListParams) -> wire.RepoListResult:
    """By name."""
    read = await views.reading(ls.app, lambda tx: views.repos_by_name(tx, params.project_id))
    found, cursor = pages.slice_of(read.value, params.limit, params.cursor)
    return wire.RepoListResult(
        **pages.reading(read),
        repos=[to_protocol.repo(repo) for repo in found],
        next_cursor=cursor,
    )


async def get_repo(ls: EditorConnection, params: wire.RepoGetParams) -> wire.RepoGetResult:
    """By id or by a path in it."""
    targets.required(params, "repo_id", "path")
    root = None if params.path is None else await repos.discover(ls.app, params.path)
    read = await views.reading(ls.app, lambda tx: views.repo_view(tx, params.repo_id, root))
    repo, project_ids = read.value
    return wire.RepoGetResult(
        **pages.reading(read), repo=to_protocol.repo(repo), project_ids=project_ids
    )


async def register_repo(
    ls: EditorConnection, params: wire.RepoRegisterParams
) -> wire.RepoRegisterResult:
    """Make it known."""
    values = {"display_name": params.display_name} if params.display_name else {}
    repo, created = await repos.register(ls.app, params.path, params.project_id, **values)
    return wire.RepoRegisterResult(repo=to_protocol.repo(repo), created=created)


async def init_repo(ls: EditorConnection, params: wire.RepoInitParams) -> wire.RepoResult:
    """Make one."""
    values = {"display_name": params.display_name} if params.display_name else {}
    repo = await repos.init(
        ls.app,
        params.path,
        params.default_branch,
        ls.environment,
        params.project_id,
        **values,
    )
    return wire.RepoResult(repo=to_protocol.repo(repo))


async def update_repo(ls: EditorConnection, params: wire.RepoUpdateParams) -> wire.RepoResult:
    """Its settings, or where it lies."""
    values = given(params, *EDITABLE)
    repo = await repos.update(ls.app, params.repo_id, params.expected_revision, **values)
    return wire.RepoResult(repo=to_protocol.repo(repo))


async def list_branches(
    ls: EditorConnection, params: wire.RepoBranchesParams
) -> wire.RepoBranchesResult:
    """Its own, and where asked those of its remotes."""
    found = await repos.branches_of(ls.app, params.repo_id)
    wanted = [one for one in found if params.include_remote or not one.is_remote]
    return wire.RepoBranchesResult(branches=[to_protocol.branch(one) for one in wanted])


async def list_remotes(
    ls: EditorConnection, params: wire.RepoRemotesParams
) -> wire.RepoRemotesResult:
    """Where it pushes to and fetches from."""
    found = await repos.remotes_of(ls.app, params.repo_id)
    return wire.RepoRemotesResult(remotes=[wire.Remote(name=name, url=url) for name, url in found])


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_repos)
    features.method(wire.GET, get_repo)
    features.method(wire.REGISTER, register_repo)
    features.method(wire.INIT, init_repo)
    features.method(wire.UPDATE, update_repo)
    features.method(wire.BRANCHES, list_branches)
    features.method(wire.REMOTES, list_remotes)
