"""What a run has at its disposal: cores, memory, disk, bytes of the source files."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from runtime.files import Location
from runtime.settings.source_paths import resolve
from runtime.wording import plural

# The lakehouse of the demo takes about 6 times the bytes of its source files (13 MB of Parquet),
# with models and the tracking store. Twice that much may be needed while tables are rewritten.
BYTES_PER_SOURCE_BYTE = 12


def free_memory() -> int | None:
    """Bytes of memory that are free for a new process; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable:")), None)


def free_disk(root: Location) -> int | None:
    """Free bytes of the disk that holds a folder, which need not exist yet. None: no disk."""
    if root.is_remote:
        return None
    folder = Path(root)
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return shutil.disk_usage(existing).free


def local_bytes(paths: Mapping[str, str]) -> int:
    """Bytes of the local files, folders and patterns, by source; other paths count nothing."""
    return sum(file.stat().st_size for file in local_files(paths))


def local_files(paths: Mapping[str, str]) -> set[Path]:
    """The local files of paths, folders and patterns, by source."""
    patterns = [resolve(source, path) for source, path in paths.items()]
    matches = [Path(name) for pattern in patterns for name in glob.glob(pattern)]
    return {f for p in matches for f in (p.rglob("*") if p.is_dir() else [p]) if f.is_file()}


def gigabytes(number: int) -> str:
    """Bytes as text: gigabytes, megabytes below one.

    >>> gigabytes(21_474_836_480), gigabytes(36_000_000)
    ('20.0 GiB', '34 MiB')
    """
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def machine_text(root: Location, source_bytes: int) -> str:
    """One line: cores, free memory, free disk, and the bytes to read. 0 bytes: unknown."""
    memory, disk = free_memory(), free_disk(root)
    parts = [plural(os.cpu_count() or 1, "core")]
    parts += [f"{gigabytes(memory)} of memory free"] if memory is not None else []
    parts += [f"{gigabytes(disk)} of disk free"] if disk is not None else []
    parts += [f"{gigabytes(source_bytes)} of source files"] if source_bytes else []
    return "This run has " + ", ".join(parts) + "."


def lack_of_disk(root: Location, source_bytes: int) -> str | None:
    """A sentence if the disk is likely to be too small; None if it is not."""
    free, needed = free_disk(root), BYTES_PER_SOURCE_BYTE * source_bytes
    if free is None or free >= needed:
        return None
    return (
        f"{root}: {gigabytes(free)} of disk are free, but {gigabytes(source_bytes)} of source "
        f"files may need {gigabytes(needed)}. Free disk space, or set lakehouse.root to another "
        "disk."
    )
