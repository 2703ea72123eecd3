"""Use cases and storage: the only code that touches the database."""
