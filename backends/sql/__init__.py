"""Runs in a SQL database: SQLite and PostgreSQL. `docs/sql.md` describes it for its users."""
