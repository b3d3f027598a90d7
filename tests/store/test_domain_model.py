"""The tables hold every field of the domain model, and docs/domain.md names all that is more."""

import re
from pathlib import Path

from branchwork.store.tables import metadata

BOOKKEEPING = {"created_at", "updated_at", "revision"}

# The domain model's own fields, written out once more.
MODEL = {
    "projects": "id name default_agent_working_dir remote_project_id",
    "project_repos": "setup_script cleanup_script copy_files parallel_setup_script",
    "repos": "id path name display_name setup_script cleanup_script archive_script copy_files "
    "parallel_setup_script dev_server_script default_target_branch default_working_dir",
    "tasks": "id project_id title description status parent_workspace_id",
    "workspaces": "id task_id container_ref branch agent_working_dir setup_completed_at archived "
    "pinned name",
    "attempt_repos": "target_branch",
    "sessions": "id workspace_id executor",
    "execution_processes": "id session_id run_reason executor_action status exit_code dropped "
    "started_at completed_at",
    "execution_process_repo_states": "before_head_commit after_head_commit merge_commit",
    "execution_process_logs": "",
    "coding_agent_turns": "id execution_process_id agent_session_id agent_message_id prompt "
    "summary seen",
    "merges": "id workspace_id repo_id target_branch_name merge_commit",
    "images": "id file_path original_name mime_type size_bytes hash",
    "task_images": "",
    "tags": "id tag_name content",
    "scratch": "id",
    "migration_state": "id entity_type local_id remote_id status error_message attempt_count",
}
PAGE = (Path(__file__).parents[2] / "docs" / "domain.md").read_text("utf-8")


def listed(heading: str) -> dict[str, str]:
    """The lines of a list on the page, by the table that they are about."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^- `(\w+)`: (.*)$", section, re.MULTILINE))


def test_every_field_of_the_domain_model_is_stored() -> None:
    for name, fields in MODEL.items():
        assert set(fields.split()) <= set(metadata.tables[name].columns.keys()), name


def test_the_page_names_every_extra_column_and_no_other() -> None:
    lines = listed("Extra columns")
    assert set(lines) == set(MODEL)
    for name, line in lines.items():
        there = set(metadata.tables[name].columns.keys())
        extra = there - set(MODEL[name].split()) - BOOKKEEPING
        named = {word for word in re.findall(r"`(\w+)`", line) if word in there}
        assert named == extra, name


def test_the_page_names_every_extra_table_and_no_other() -> None:
    assert set(listed("Extra tables")) == set(metadata.tables) - set(MODEL)


def test_what_has_no_times_or_revision_says_so() -> None:
    for name, line in listed("Extra columns").items():
        is_whole = set(metadata.tables[name].columns.keys()) >= BOOKKEEPING
        assert is_whole is ("without" not in line), name
