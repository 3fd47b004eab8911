"""The bundled server's files, when they are broken: put aside, so that it starts without them.

It skips a torn end by itself. Whatever else is wrong (a damaged disk, a file that was cut), it refuses to start.
The files may be lost: every bar is in the database, and the sweeper publishes again what was in the queues.
"""

import re
import shutil
from pathlib import Path

FOLDER = "appendonlydir"
ASIDE = "appendonlydir.broken"

BROKEN = re.compile(
    r"Bad file format|Short read|Internal error in RDB|Wrong signature|Unexpected end of file"
    r"|AOF MANIFEST FILE ERROR|Unable to obtain the AOF|AOF file .* doesn't exist",
    re.IGNORECASE,
)
"""What it writes before it ends because of its files. A full disk, or a file that may not be read, is not among it."""

BANNER = "Valkey is starting"
MOST_OF_LOG = 16_384
"""Bytes of its log that are read: one start writes less than 2 KB."""


def put_aside(data_dir: Path, log: Path) -> str:
    """If the server's last start failed because of its files, put them aside. Returns a sentence; empty: it did not."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - MOST_OF_LOG))
            last_start = file.read().decode(errors="replace").rpartition(BANNER)[2]
        problem = next((line for line in last_start.splitlines() if BROKEN.search(line)), "")
        if not problem or not (data_dir / FOLDER).exists():
            return ""
        shutil.rmtree(data_dir / ASIDE, ignore_errors=True)
        (data_dir / FOLDER).rename(data_dir / ASIDE)
    except OSError:
        return ""
    return (
        f"The broker's files are broken ({problem.strip()[-200:]}), so it starts without them; the sweeper publishes "
        f"again what waited. They are kept in {data_dir / ASIDE}."
    )
