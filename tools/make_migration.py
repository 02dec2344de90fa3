"""Write the store's first migration anew from its tables: ``python tools/make_migration.py``.

As long as nothing has been released there is one revision, which makes all tables. After the first release it must not
change any more: a change of the tables then gets a revision of its own beside it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from ocppflow.store import SCHEMA, Instant, Json

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "ocppflow" / "store" / "migrations" / "versions" / "initial_tables.py"

HEAD = '''"""All tables. Written by tools/make_migration.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
'''


def initial() -> str:
    """The text of the module, as ``ruff format`` leaves it."""
    with create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": SCHEMA})
        operations = produce_migrations(context, SCHEMA).upgrade_ops
    assert operations is not None
    for operation in operations.ops:
        if hasattr(operation, "columns"):
            for column in operation.columns:
                column.comment = None
    text = HEAD + "    " + render_python_code(operations, render_item=_plain).replace("\n    \n", "\n")
    lines = [line for line in text.splitlines() if not line.strip().startswith("# ")]
    command = [sys.executable, "-m", "ruff", "format", "--line-length=120", "-"]
    return subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout


def _plain(kind: str, item: Any, context: Any) -> str | bool:
    """Types of ours are written as what they are in the database: a migration knows nothing of later code."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, Json):
        return "sa.Text()"
    return False


def main() -> int:
    text = initial()
    if "--check" in sys.argv:
        return 0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(SCHEMA.tables)} tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
