"""Alembic's entry: runs the migrations on the connection it is handed, one transaction each."""

from alembic import context

from lifecycle.tables import metadata

with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
