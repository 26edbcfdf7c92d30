"""Files of the lakehouse and of its sources, in a folder of this machine or in an object store.

A folder is read and written by Python, a URI such as s3a://bucket/lake by Arrow's file systems.
"""

from __future__ import annotations

import glob
import io
import os
import re
import shutil
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from runtime.file_systems import explained, file_system, scheme_of, store_error

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

# Bytes compared and written at a time.
PART = 1024 * 1024
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, order=True)
class Location:
    """A file or folder. uri: an absolute path of this machine, or a URI without a slash at its end.

    Methods raise StoreError if an object store cannot be reached or refuses a request.
    """

    uri: str
    _info: FileInfo | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, place: str | os.PathLike[str]) -> Location:
        """The location of a path or URI. file:///data is the folder /data.

        >>> Location.of("s3a://bucket/lake/") / "gold"
        Location(uri='s3a://bucket/lake/gold')
        """
        if isinstance(place, Location):
            return place
        text = re.sub(r"^file:(//)?(?=/)", "", os.fspath(place))
        return cls(text.rstrip("/") if scheme_of(text) else os.path.abspath(text))

    def __truediv__(self, name: str) -> Location:
        return Location(f"{self.uri.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.uri

    def __fspath__(self) -> str:
        """The path of a file of this machine. TypeError for a URI."""
        if self.is_remote:
            raise TypeError(f"{self.uri} is not a path of this machine")
        return self.uri

    @property
    def is_remote(self) -> bool:
        """Whether it is in an object store and not on this machine."""
        return scheme_of(self.uri) is not None

    @property
    def name(self) -> str:
        """The last part."""
        return self.uri.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of the name, such as .csv."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Location:
        """The folder that contains it."""
        return Location(self.uri.rpartition("/")[0] or "/")

    def with_name(self, name: str) -> Location:
        """Another file or folder of the same parent."""
        return self.parent / name

    # ------------------------------------------------------------------ reading

    @property
    def info(self) -> FileInfo:
        """Type, size and time of change."""
        if self._info is not None:
            return self._info
        with explained(self.uri):
            system, path = file_system(self.uri)
            return system.get_file_info(path)

    @property
    def is_file(self) -> bool:
        """Whether it is an existing file."""
        return bool(self.info.is_file)

    @property
    def is_folder(self) -> bool:
        """Whether it is an existing folder."""
        return not self.is_file and bool(self.info.type.name == "Directory")

    @property
    def size(self) -> int:
        """Bytes of an existing file."""
        return int(self.info.size)

    @property
    def modified_ms(self) -> int:
        """When a file was last changed: milliseconds since 1970 (UTC)."""
        return int(self.info.mtime_ns) // 1_000_000

    def read(self) -> bytes | None:
        """The content. None: there is no such file."""
        if not self.is_file:
            return None
        with explained(self.uri), self.open() as file:
            return file.read()

    def open(self) -> IO[bytes]:
        """The file for reading, seekable. FileNotFoundError: there is no such file."""
        if not self.is_remote:
            return open(self, "rb")
        with explained(self.uri):
            system, path = file_system(self.uri)
            return cast("IO[bytes]", io.BufferedReader(system.open_input_file(path), PART))

    def files(self, *, is_recursive: bool = False) -> list[Location]:
        """The files of a folder by name; with is_recursive those of its folders too."""
        from pyarrow.fs import FileSelector

        with explained(self.uri):
            system, path = file_system(self.uri)
            chosen = FileSelector(path, allow_not_found=True, recursive=is_recursive)
            infos = [info for info in system.get_file_info(chosen) if info.is_file]
        start = len(path.rstrip("/")) + 1
        return sorted(replace(self / info.path[start:], _info=info) for info in infos)

    def matches(self) -> list[Location]:
        """The files at a location: the file, the files of the folder, or those of a pattern.

        In an object store only the last part may be a pattern (* ? [...]).
        """
        if self.is_file:
            return [self]
        if self.is_remote:
            if not _PATTERN.search(self.name):
                return self.files()
            return [f for f in self.parent.files() if fnmatchcase(f.name, self.name)]
        if os.path.isdir(self):
            return self.files()
        places = [Location.of(path) for path in glob.glob(self.uri)]
        return sorted(f for p in places for f in ([p] if p.is_file else p.files()))

    def check(self) -> None:
        """StoreError if an object store does not answer, has no such bucket, or refuses a look-up.

        The folder itself need not exist yet.
        """
        if not self.is_remote or self.info.type.name != "NotFound":
            return
        with explained(self.uri):
            system, path = file_system(self.uri)
            bucket = path.partition("/")[0]
            if bucket and system.get_file_info(bucket).type.name == "NotFound":
                raise store_error(self.uri, "NoSuchBucket")

    # ------------------------------------------------------------------ writing

    def write(self, content: bytes | IO[bytes], *, is_private: bool = False) -> None:
        """Replace the file as a whole: a reader sees the old content or the new one.

        is_private: on this machine no other user can read the file, a symbolic link is not
        followed (OSError with ELOOP), and the content is on the disk when this returns. In an
        object store the rights of the bucket apply.
        """
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        if self.is_remote:
            with explained(self.uri):
                system, path = file_system(self.uri)
                # An object appears when its stream is closed.
                with system.open_output_stream(path) as target:
                    shutil.copyfileobj(stream, target, PART)
            return
        os.makedirs(os.path.dirname(self), mode=0o700 if is_private else 0o777, exist_ok=True)
        draft = os.path.join(os.path.dirname(self), f".{self.name}.draft")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(draft, flags, 0o600 if is_private else 0o666), "wb") as file:
            if is_private:
                # A draft that a killed run left behind keeps its rights when it is opened.
                os.fchmod(file.fileno(), 0o600)
            shutil.copyfileobj(stream, file, PART)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self)

    def update(self, content: IO[bytes]) -> bool:
        """Write the content unless the file has it already. False: it has."""
        if self.is_file:
            with self.open() as present:
                if _is_equal(present, content):
                    return False
        content.seek(0)
        self.write(content)
        return True

    def append(self, line: str) -> None:
        """Add a line. When this returns, it is stored.

        An object cannot grow: in an object store the file is written again, so it must be small.
        """
        if self.is_remote:
            return self.write((self.read() or b"") + f"{line}\n".encode())
        os.makedirs(os.path.dirname(self), exist_ok=True)
        with open(self, "a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())
        return None

    def move(self, target: Location) -> None:
        """Rename a file. In an object store it is copied, then deleted."""
        with explained(self.uri):
            system, path = file_system(self.uri)
            if not target.is_remote:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            system.move(path, file_system(target.uri)[1])

    def delete(self) -> None:
        """Delete the file, if there is one."""
        if self.is_file:
            with explained(self.uri):
                system, path = file_system(self.uri)
                system.delete_file(path)

    def delete_folder(self) -> None:
        """Delete the folder with all it contains, if there is one."""
        if not self.is_remote:
            return shutil.rmtree(self, ignore_errors=True)
        with explained(self.uri):
            system, path = file_system(self.uri)
            if system.get_file_info(path).type.name == "Directory":
                system.delete_dir(path)
        return None


def table_location(root: Location, name: str) -> Location:
    """Where a table of a lakehouse without a catalog is.

    >>> str(table_location(Location("s3a://shop/lake"), "gold.customer_scores"))
    's3a://shop/lake/gold/customer_scores'
    """
    layer, _, short = name.partition(".")
    return root / layer / short


def _is_equal(first: IO[bytes], second: IO[bytes]) -> bool:
    while True:
        left, right = first.read(PART), second.read(PART)
        if left != right:
            return False
        if not left:
            return True
