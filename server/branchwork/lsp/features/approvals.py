"""branchwork/approval/*."""

from branchwork.domain.approval import ApprovalStatus
from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages, targets
from branchwork.lsp.registry import Features
from branchwork.protocol import approvals as wire
from branchwork.protocol.documents import DocumentKind
from branchwork.services import approvals, views
from branchwork.store import approvals as stored


async def list_approvals(
    ls: EditorConnection, params: wire.ApprovalListParams
) -> wire.ApprovalListResult:
    """The oldest first."""
    statuses = tuple(params.statuses or (ApprovalStatus.PENDING,))
    read = await pages.read(
        ls,
        params,
        lambda tx: [
            views.approval_view(tx, one)
            for one in stored.page(
                tx,
                params.limit,
                params.cursor,
                statuses,
                params.workspace_id,
                params.conversation_id,
            )
        ],
    )
    return wire.ApprovalListResult(
        **pages.reading(read),
        approvals=[to_protocol.approval(one) for one in read.value],
        next_cursor=pages.next_cursor([one.approval for one in read.value], params.limit),
    )


async def respond(
    ls: EditorConnection, params: wire.ApprovalRespondParams
) -> wire.ApprovalRespondResult:
    """The first answer counts."""
    targets.required(params, "option_id")
    approval = await approvals.respond(
        ls.app,
        params.approval_id or "",
        params.option_id or "",
        answered_by=ls.name,
        reason=params.reason,
    )
    view = await ls.app.store.read(lambda tx: views.approval_view(tx, approval))
    return wire.ApprovalRespondResult(approval=to_protocol.approval(view))


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_approvals)
    targets.answer(
        features,
        wire.RESPOND,
        respond,
        ("approval_id",),
        targets.nothing,
        DocumentKind.ATTENTION,
    )
