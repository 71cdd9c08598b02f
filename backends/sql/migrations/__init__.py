"""The way of the tables from each schema to the next, by Alembic."""
