"""Table and queries of merges."""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, select

from branchwork.domain.merge import Merge
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.transaction import Transaction, stored
from branchwork.store.workspaces import project_of

merges = stored(
    Merge,
    Table(
        "merges",
        metadata,
        identity(),
        owner("workspace_id", "workspaces.id"),
        Column("repo_id", Text, ForeignKey("repos.id"), nullable=False),
        Column("target_branch_name", Text, nullable=False),
        Column("merge_type", Text, nullable=False),
        Column("merge_commit", Text),
        Column("merged_head", Text),
        Column("pr_number", Integer),
        Column("pr_url", Text),
        Column("pr_status", Text),
        Column("pr_merged_at", Text),
        Column("pr_merge_commit_sha", Text),
        *bookkeeping(),
    ),
    "merge",
    lambda tx, entity: project_of(tx, entity.workspace_id),
)


def of_workspace(tx: Transaction, workspace_id: str) -> list[Merge]:
    """The merges of a workspace, oldest first."""
    statement = select(merges).where(merges.c.workspace_id == workspace_id)
    return tx.all(Merge, statement.order_by(merges.c.id))
