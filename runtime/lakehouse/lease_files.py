"""The files of leases: <root>/.leases/<table>/<number>.json, in a folder or in an object store."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from runtime.errors import HoldfastError, UsageError

FOLDER = ".leases"
_NUMBER = re.compile(r"(\d{12})\.json")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class LeaseFiles(Protocol):
    """Lease files by table and number.

    A store must have two properties: of several `create` calls for one number exactly one succeeds,
    and `numbers` lists a file as soon as it was created. Local and network file systems, S3, Google
    Cloud Storage and Azure have both. HoldfastError: the store cannot be reached or written.
    """

    def numbers(self, table: str) -> list[int]:
        """The numbers of the table's files, in no order."""

    def read(self, table: str, number: int) -> str | None:
        """The text of a file. None: it does not exist."""

    def create(self, table: str, number: int, text: str) -> bool:
        """Write a new file. False: the file exists, and is unchanged."""

    def replace(self, table: str, number: int, text: str) -> None:
        """Write a file, whether or not it exists. A reader sees the old or the new text."""

    def delete(self, table: str, number: int) -> None:
        """Delete a file, if it exists."""


def lease_files(root: Path | str) -> LeaseFiles:
    """The lease files of a lakehouse. root: a folder, or a URI such as s3://bucket/lake."""
    if _URI.match(str(root)):
        return ObjectFiles(str(root))
    return FolderFiles(Path(root))


class FolderFiles:
    """Lease files in a folder. Only the user who owns the lakehouse can read or write them."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / FOLDER

    def numbers(self, table: str) -> list[int]:
        with self._explained():
            try:
                names = os.listdir(self.folder / table)
            except FileNotFoundError:
                return []
        return [int(match[1]) for name in names if (match := _NUMBER.fullmatch(name))]

    def read(self, table: str, number: int) -> str | None:
        with self._explained():
            try:
                return self._path(table, number).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return None

    def create(self, table: str, number: int, text: str) -> bool:
        with self._explained():
            self._make_folder(table)
            try:
                self._write(self._path(table, number), text)
            except FileExistsError:
                return False
        return True

    def replace(self, table: str, number: int, text: str) -> None:
        path = self._path(table, number)
        part = path.with_suffix(f".{os.getpid()}.part")
        with self._explained():
            part.unlink(missing_ok=True)  # of a process that was killed
            self._write(part, text)
            part.replace(path)

    def delete(self, table: str, number: int) -> None:
        with self._explained():
            self._path(table, number).unlink(missing_ok=True)

    def _path(self, table: str, number: int) -> Path:
        return self.folder / table / f"{number:012d}.json"

    def _write(self, path: Path, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def _make_folder(self, table: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self.folder / table):
            # A symbolic link is not followed: its target is not ours.
            if folder.is_symlink():
                raise OSError(None, f"{folder.name} is a symbolic link")
            folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HoldfastError(
                f"{self.folder}: the lease files cannot be used: {error.strerror}. Only the "
                "user who owns the lakehouse may write to it. Run as that user, or remove the "
                "folder if no run uses it."
            ) from None


class ObjectFiles:
    """Lease files in an object store, created by conditional put (If-None-Match: *).

    options: of obstore, such as endpoint and allow_http of S3. By default they and the credentials
    come from the environment, such as AWS_ACCESS_KEY_ID.
    """

    def __init__(self, root: str, **options: Any) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ModuleNotFoundError:
            raise UsageError(
                f"lakehouse.root {root}: the package obstore is not installed. Run "
                "`pip install 'holdfast[object_store]'`, or use a folder."
            ) from None
        self.root, self._obstore = root, obstore
        with self._explained():
            self._store: Any = from_url(root, **options)

    def numbers(self, table: str) -> list[int]:
        with self._explained():
            # At most a few: the next holder deletes the files of the holders before it.
            found = self._obstore.list(self._store, prefix=f"{FOLDER}/{table}").collect()
        names = [str(item["path"]).rpartition("/")[2] for item in found]
        return [int(match[1]) for name in names if (match := _NUMBER.fullmatch(name))]

    def read(self, table: str, number: int) -> str | None:
        with self._explained():
            try:
                content = self._obstore.get(self._store, self._path(table, number)).bytes()
            except FileNotFoundError:
                return None
        return bytes(content).decode("utf-8", errors="replace")

    def create(self, table: str, number: int, text: str) -> bool:
        with self._explained():
            try:
                self._put(table, number, text, mode="create")
            except self._obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def replace(self, table: str, number: int, text: str) -> None:
        with self._explained():
            self._put(table, number, text, mode="overwrite")

    def delete(self, table: str, number: int) -> None:
        with self._explained(), suppress(FileNotFoundError):
            self._obstore.delete(self._store, self._path(table, number))

    def _put(self, table: str, number: int, text: str, *, mode: str) -> None:
        self._obstore.put(self._store, self._path(table, number), text.encode(), mode=mode)

    def _path(self, table: str, number: int) -> str:
        return f"{FOLDER}/{table}/{number:012d}.json"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._obstore.exceptions.BaseError as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise HoldfastError(
                f"{self.root}: the lease files cannot be used: {reason}. Check the address, "
                "the endpoint and the credentials."
            ) from None
