import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.up.disks import Disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of the test's own."""
    one = Disk(tmp_path / "disk")
    try:
        one.mount()
    except (OSError, subprocess.CalledProcessError) as exc:
        pytest.skip(f"no file system can be mounted here: {getattr(exc, 'stderr', None) or exc}")
    try:
        yield one
    finally:
        one.unmount()
