"""What Alembic runs: the revisions, in the transaction that `upgrading.upgrade` was given."""

from __future__ import annotations

from alembic import context

if hasattr(context, "config"):  # not where this is only imported
    context.configure(
        connection=context.config.attributes["connection"], version_table="autolog_schema"
    )
    context.run_migrations()
