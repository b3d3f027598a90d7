"""Alembic's entry: runs the revisions on the connection that `store.migrate` gives."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
