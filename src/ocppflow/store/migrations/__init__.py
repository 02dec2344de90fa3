"""The schema's history: what brings a database of an earlier version to this one's. Each module in ``versions`` is a
revision of Alembic."""
