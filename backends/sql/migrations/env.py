"""What Alembic runs: the revisions, in the transaction that `upgrading.upgrade` was given."""

from __future__ import annotations

from contextlib import suppress

from alembic import context

with suppress(NameError):  # whoever imports this without running it
    context.configure(
        connection=context.config.attributes["connection"], version_table="autolog_schema"
    )
    context.run_migrations()
