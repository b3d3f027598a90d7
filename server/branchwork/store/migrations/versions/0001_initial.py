"""The first schema: every entity, status and junction of the domain model.

A revision is history: it is never edited, so it spells the tables out instead of importing them.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# ruff: noqa: E501
TABLES = """
CREATE TABLE changes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    project_id TEXT,
    entity TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    op TEXT NOT NULL,
    revision INTEGER
);

CREATE TABLE execution_process_logs (
    execution_process_id TEXT NOT NULL,
    segment INTEGER NOT NULL,
    path TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (execution_process_id, segment)
);

CREATE TABLE images (
    id TEXT NOT NULL,
    file_path TEXT NOT NULL,
    original_name TEXT NOT NULL,
    mime_type TEXT,
    size_bytes INTEGER NOT NULL,
    hash TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (hash)
);

CREATE TABLE meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE migration_state (
    id TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    local_id TEXT NOT NULL,
    remote_id TEXT,
    status TEXT NOT NULL,
    error_message TEXT,
    attempt_count INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (entity_type, local_id)
);

CREATE TABLE projects (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    default_agent_working_dir TEXT,
    remote_project_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE repos (
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    setup_script TEXT,
    cleanup_script TEXT,
    archive_script TEXT,
    copy_files TEXT,
    parallel_setup_script BOOLEAN NOT NULL,
    dev_server_script TEXT,
    default_target_branch TEXT,
    default_working_dir TEXT,
    auto_commit BOOLEAN NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (path)
);

CREATE TABLE scratch (
    id TEXT NOT NULL,
    scratch_type TEXT NOT NULL,
    payload JSON NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id, scratch_type)
);

CREATE TABLE tags (
    id TEXT NOT NULL,
    tag_name TEXT COLLATE "NOCASE" NOT NULL,
    content TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (tag_name)
);

CREATE TABLE project_repos (
    project_id TEXT NOT NULL,
    repo_id TEXT NOT NULL,
    setup_script TEXT,
    cleanup_script TEXT,
    copy_files TEXT,
    parallel_setup_script BOOLEAN,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project_id, repo_id),
    FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE,
    FOREIGN KEY(repo_id) REFERENCES repos (id) ON DELETE CASCADE
);

CREATE INDEX ix_project_repos_repo_id ON project_repos (repo_id);

CREATE TABLE tasks (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    parent_workspace_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);

CREATE INDEX ix_tasks_board ON tasks (project_id, status, id);

CREATE INDEX ix_tasks_parent_workspace_id ON tasks (parent_workspace_id);

CREATE INDEX ix_tasks_newest ON tasks (project_id, id);

CREATE TABLE task_images (
    id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    image_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (task_id, image_id),
    FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE,
    FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_images_task_id ON task_images (task_id);

CREATE TABLE workspaces (
    id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    container_ref TEXT,
    branch TEXT NOT NULL,
    agent_working_dir TEXT,
    setup_completed_at TEXT,
    archived BOOLEAN NOT NULL,
    pinned BOOLEAN NOT NULL,
    name TEXT,
    isolation TEXT NOT NULL,
    port_base INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
);

CREATE INDEX ix_workspaces_container_ref ON workspaces (container_ref);

CREATE INDEX ix_workspaces_task_id ON workspaces (task_id);

CREATE TABLE attempt_repos (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    repo_id TEXT NOT NULL,
    target_branch TEXT NOT NULL,
    base_commit TEXT NOT NULL,
    directory TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (workspace_id, repo_id),
    UNIQUE (workspace_id, directory),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    FOREIGN KEY(repo_id) REFERENCES repos (id)
);

CREATE INDEX ix_attempt_repos_repo_id ON attempt_repos (repo_id);

CREATE INDEX ix_attempt_repos_workspace_id ON attempt_repos (workspace_id);

CREATE TABLE intents (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    workspace_id TEXT,
    payload JSON NOT NULL,
    step TEXT NOT NULL,
    closed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_intents_workspace_id ON intents (workspace_id);

CREATE TABLE merges (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    repo_id TEXT NOT NULL,
    target_branch_name TEXT NOT NULL,
    merge_type TEXT NOT NULL,
    merge_commit TEXT,
    merged_head TEXT,
    pr_number INTEGER,
    pr_url TEXT,
    pr_status TEXT,
    pr_merged_at TEXT,
    pr_merge_commit_sha TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
    FOREIGN KEY(repo_id) REFERENCES repos (id)
);

CREATE INDEX ix_merges_workspace_id ON merges (workspace_id);

CREATE TABLE run_plans (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    steps JSON NOT NULL,
    position INTEGER NOT NULL,
    prompt TEXT,
    executor TEXT,
    resume TEXT,
    mode TEXT,
    closed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_run_plans_workspace_id ON run_plans (workspace_id);

CREATE TABLE sessions (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    executor TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_sessions_conversation_id ON sessions (conversation_id);

CREATE INDEX ix_sessions_workspace_id ON sessions (workspace_id);

CREATE TABLE execution_processes (
    id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    repo_id TEXT,
    plan_id TEXT,
    step INTEGER,
    run_reason TEXT NOT NULL,
    executor_action JSON NOT NULL,
    status TEXT NOT NULL,
    exit_code INTEGER,
    dropped BOOLEAN NOT NULL,
    stop_requested_at TEXT,
    ended_reason TEXT,
    ended_sentence TEXT,
    attention TEXT,
    started_at TEXT NOT NULL,
    completed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    FOREIGN KEY(workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_execution_processes_attention ON execution_processes (workspace_id) WHERE attention IS NOT NULL;

CREATE INDEX ix_execution_processes_running ON execution_processes (workspace_id) WHERE status = 'Running';

CREATE INDEX ix_execution_processes_session_id ON execution_processes (session_id);

CREATE INDEX ix_execution_processes_workspace_id ON execution_processes (workspace_id);

CREATE TABLE queued_prompts (
    id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    held_because TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(conversation_id) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX ix_queued_prompts_conversation_id ON queued_prompts (conversation_id);

CREATE TABLE waiting_runs (
    id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    why TEXT NOT NULL,
    until TEXT,
    place INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(plan_id) REFERENCES run_plans (id) ON DELETE CASCADE
);

CREATE INDEX ix_waiting_runs_plan_id ON waiting_runs (plan_id);

CREATE TABLE approvals (
    id TEXT NOT NULL,
    execution_process_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    tool_call_id TEXT,
    sentence TEXT NOT NULL,
    options JSON NOT NULL,
    status TEXT NOT NULL,
    option_id TEXT,
    answered_by TEXT,
    answered_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (execution_process_id, request_id),
    FOREIGN KEY(execution_process_id) REFERENCES execution_processes (id) ON DELETE CASCADE
);

CREATE INDEX ix_approvals_execution_process_id ON approvals (execution_process_id);

CREATE INDEX ix_approvals_pending ON approvals (id) WHERE status = 'Pending';

CREATE TABLE coding_agent_turns (
    id TEXT NOT NULL,
    execution_process_id TEXT NOT NULL,
    agent_session_id TEXT,
    agent_message_id TEXT,
    prompt TEXT,
    summary TEXT,
    seen BOOLEAN NOT NULL,
    stop_reason TEXT,
    usage JSON,
    folded_seq INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (execution_process_id),
    FOREIGN KEY(execution_process_id) REFERENCES execution_processes (id) ON DELETE CASCADE
);

CREATE INDEX ix_coding_agent_turns_execution_process_id ON coding_agent_turns (execution_process_id);

CREATE TABLE execution_process_repo_states (
    id TEXT NOT NULL,
    execution_process_id TEXT NOT NULL,
    repo_id TEXT NOT NULL,
    before_head_commit TEXT,
    after_head_commit TEXT,
    merge_commit TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (execution_process_id, repo_id),
    FOREIGN KEY(execution_process_id) REFERENCES execution_processes (id) ON DELETE CASCADE
);

CREATE INDEX ix_execution_process_repo_states_execution_process_id ON execution_process_repo_states (execution_process_id);

CREATE TABLE leases (
    real_path TEXT NOT NULL,
    execution_process_id TEXT NOT NULL,
    PRIMARY KEY (real_path),
    FOREIGN KEY(execution_process_id) REFERENCES execution_processes (id) ON DELETE CASCADE
);

CREATE INDEX ix_leases_execution_process_id ON leases (execution_process_id)
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(meta, [{"key": "epoch", "value": secrets.token_hex(8)}])
