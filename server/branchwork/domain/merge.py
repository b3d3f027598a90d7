"""Merge: a direct merge or a pull request of one repo of a workspace."""

from dataclasses import dataclass
from enum import StrEnum


class MergeType(StrEnum):
    """Which of the two variants a row is."""

    DIRECT = "DirectMerge"
    PULL_REQUEST = "PrMerge"


class PullRequestStatus(StrEnum):
    """The forge's word for a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """`merge_commit` belongs to a direct merge, the `pr_` fields to a pull request."""

    id: str
    workspace_id: str
    repo_id: str
    target_branch_name: str
    merge_type: MergeType
    merge_commit: str | None = None
    merged_head: str | None = None
    pr_number: int | None = None
    pr_url: str | None = None
    pr_status: PullRequestStatus | None = None
    pr_merged_at: str | None = None
    pr_merge_commit_sha: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1
