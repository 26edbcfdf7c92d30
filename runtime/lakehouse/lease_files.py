"""The files of leases: <root>/.leases/<table>/<name>, in a folder or in an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runtime.errors import HoldfastError
from runtime.file_systems import file_system, scheme_of

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

FOLDER = ".leases"
OF_A_FOLDER = (
    "Only the user who owns the lakehouse may write to it. Run as that user, or remove the folder "
    "if no run uses it."
)
OF_A_STORE = "Check the address and the credentials."


class LeaseFiles(Protocol):
    """Lease files by table and name.

    The store needs one property: `names` lists a file as soon as `write` has returned, and does not
    list it as soon as `delete` has. Local file systems, HDFS, S3, Google Cloud Storage and Azure
    have it. HoldfastError: the store cannot be reached or written.
    """

    def names(self, table: str) -> list[str]:
        """The names of the table's files, in no order."""

    def read(self, table: str, name: str) -> str:
        """The text of a file. Empty: it does not exist."""

    def write(self, table: str, name: str, text: str) -> None:
        """Write a file, whether or not it exists. A reader sees the old or the new text."""

    def delete(self, table: str, name: str) -> None:
        """Delete a file, if it exists."""


def lease_files(root: PathLike[str] | str) -> LeaseFiles:
    """The lease files of a lakehouse. root: a folder, or a URI such as s3://bucket/lake."""
    if scheme_of(str(root)) is None:
        return FolderFiles(Path(root))
    with explained(str(root), OF_A_STORE):
        return StoreFiles(*file_system(str(root)))


class FolderFiles:
    """Lease files in a folder. Only the user who owns the lakehouse can read or write them."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / FOLDER

    def names(self, table: str) -> list[str]:
        with explained(self.folder, OF_A_FOLDER):
            try:
                return os.listdir(self.folder / table)
            except FileNotFoundError:
                return []

    def read(self, table: str, name: str) -> str:
        with explained(self.folder, OF_A_FOLDER):
            try:
                return (self.folder / table / name).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return ""

    def write(self, table: str, name: str, text: str) -> None:
        with explained(self.folder, OF_A_FOLDER):
            self._make_folder(table)
            part = self.folder / table / f"{name}.part"
            part.unlink(missing_ok=True)  # of a process that was killed
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            part.replace(self.folder / table / name)

    def delete(self, table: str, name: str) -> None:
        with explained(self.folder, OF_A_FOLDER):
            (self.folder / table / name).unlink(missing_ok=True)

    def _make_folder(self, table: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self.folder / table):
            # A symbolic link is not followed: its target is not ours.
            if folder.is_symlink():
                raise OSError(None, f"{folder.name} is a symbolic link")
            folder.mkdir(mode=0o700, exist_ok=True)


class StoreFiles:
    """Lease files in an object store. root: bucket and path, as Arrow's file system names them."""

    def __init__(self, system: FileSystem, root: str) -> None:
        self.system, self.folder = system, f"{root.rstrip('/')}/{FOLDER}"

    def names(self, table: str) -> list[str]:
        from pyarrow.fs import FileSelector

        with explained(self.folder, OF_A_STORE):
            # At most a few: the next holder deletes the files of the holders before it.
            chosen = FileSelector(f"{self.folder}/{table}", allow_not_found=True)
            return [info.base_name for info in self.system.get_file_info(chosen) if info.is_file]

    def read(self, table: str, name: str) -> str:
        with explained(self.folder, OF_A_STORE):
            try:
                with self.system.open_input_stream(self._path(table, name)) as file:
                    return bytes(file.read()).decode("utf-8", errors="replace")
            except FileNotFoundError:
                return ""

    def write(self, table: str, name: str, text: str) -> None:
        # An object appears when its stream is closed.
        with (
            explained(self.folder, OF_A_STORE),
            self.system.open_output_stream(self._path(table, name)) as file,
        ):
            file.write(text.encode())

    def delete(self, table: str, name: str) -> None:
        with explained(self.folder, OF_A_STORE):
            try:
                self.system.delete_file(self._path(table, name))
            except FileNotFoundError:
                return

    def _path(self, table: str, name: str) -> str:
        return f"{self.folder}/{table}/{name}"


@contextmanager
def explained(place: Path | str, fix: str) -> Iterator[None]:
    """Turn an error of the file system into one message."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: Arrow knows no such file system
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise HoldfastError(
            f"{place}: the lease files cannot be used: {reason.rstrip('.')}. {fix}"
        ) from None
