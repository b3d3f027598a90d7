"""branchwork/settings/*."""

from branchwork.domain.errors import InvalidInput
from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import repos as repo_features
from branchwork.lsp.registry import Features
from branchwork.protocol import settings as wire
from branchwork.services import chain, repos, settings, workspaces

_EDITABLE = {
    wire.SettingScope.REPO: repo_features.EDITABLE,
    wire.SettingScope.WORKSPACE: ("name", "pinned", "archived", "agent_working_dir"),
}


async def get_settings(ls: EditorConnection, params: wire.SettingsGetParams) -> wire.SettingsResult:
    """All of a scope."""
    if params.scope is wire.SettingScope.DAEMON:
        known = ls.app.settings
        return wire.SettingsResult(
            settings=[_setting(one) for one in settings.described(known.values)],
            path=str(known.path),
        )
    kind = settings.ROW_KINDS[str(params.scope)]
    entity = await ls.app.store.read(lambda tx: tx.get(kind, params.id or ""))
    names = _EDITABLE[params.scope]
    found = settings.described_row(entity, names, str(params.scope))
    return wire.SettingsResult(settings=[_setting(one) for one in found], revision=entity.revision)


async def update_settings(
    ls: EditorConnection, params: wire.SettingsUpdateParams
) -> wire.SettingsResult:
    """Some of a scope; an unknown name or a wrong value changes nothing."""
    values, id_ = params.values, params.id or ""
    if params.scope is wire.SettingScope.DAEMON:
        await ls.app.blocking(ls.app.settings.update, values)
        # There may be room for more agents now.
        await chain.wake_waiting(ls.app)
    else:
        unknown = set(values) - set(_EDITABLE[params.scope])
        if unknown:
            names = ", ".join(sorted(unknown))
            raise InvalidInput(f"There is no setting {names}.", field="values")
        settings.check_row(settings.ROW_KINDS[str(params.scope)], values)
        update = repos.update if params.scope is wire.SettingScope.REPO else workspaces.update
        await update(ls.app, id_, params.expected_revision, **values)
    return await get_settings(ls, wire.SettingsGetParams(scope=params.scope, id=params.id))


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.GET, get_settings)
    features.method(wire.UPDATE, update_settings)


def _setting(one: settings.Described) -> wire.Setting:
    return to_protocol.taken(wire.Setting, one, scope=wire.SettingScope(one.scope))
