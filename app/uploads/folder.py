"""The folder of one upload: the file, its settings, its lakehouse, and what happened so far."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import yaml

from runtime.errors import UsageError
from runtime.settings import Settings, conf_dir, package_conf
from runtime.settings.environment import load_from
from runtime.settings.offers import NAME as OFFERS

ENV = "upload"
# An id is made here, and never taken from a file or its name.
_ID = re.compile(r"[0-9a-f]{32}")
PART = 1024 * 1024
# First bytes of a file -> its name in the folder; all other files are text.
FILES = {b"PAR1": "upload.parquet", b"PK\x03\x04": "upload.xlsx"}
# What a name on the screen shows of the name that the browser sent.
LONGEST_NAME = 80


@dataclass(frozen=True)
class UploadFacts:
    """owner: the user who uploaded it. title: the name of the file, only ever shown. size: bytes.

    file: its name in the folder, by its first bytes. uploaded_at: ISO, UTC.
    """

    owner: str
    file: str
    title: str
    size: int
    uploaded_at: str


@dataclass(frozen=True)
class Upload:
    """One upload. Whatever is written for it is in its folder."""

    folder: Path

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """The uploaded file. Its name is ours: the name that the browser sent is never a path."""
        return self.folder / "files" / self.facts.file

    @property
    def conf(self) -> Path:
        """The folder with the settings that init writes."""
        return self.folder / "conf"

    @property
    def root(self) -> Path:
        """The lakehouse of the upload."""
        return self.folder / "lakehouse"

    @property
    def facts(self) -> UploadFacts:
        """Who uploaded what."""
        return UploadFacts(**self.read("upload.json"))

    @property
    def label(self) -> str:
        """What a list shows; unique, since Streamlit tells options apart by what they show."""
        moment = self.facts.uploaded_at.partition("+")[0].replace("T", " ")
        return f"{self.facts.title[:24]}, {moment[5:16]}, {self.id[:4]}"

    @property
    def guess(self) -> dict[str, Any]:
        """What init guessed; empty before."""
        return self.read("guess.json")

    @property
    def settings(self) -> Settings:
        """The settings of its lakehouse, whatever variables the app was started with."""
        written = (self.conf / f"{ENV}.yaml").stat().st_mtime_ns
        return _settings(self.conf, self.root, written)

    @property
    def has_settings(self) -> bool:
        """Whether init has written them."""
        return (self.conf / f"{ENV}.yaml").is_file()

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder; empty if it does not exist."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Replace a JSON file as a whole."""
        draft = self.folder / f".{name}.draft"
        draft.write_text(json.dumps(dict(values), ensure_ascii=False), encoding="utf-8")
        os.replace(draft, self.folder / name)

    def text(self, name: str) -> str:
        """A text file of the folder; empty if it does not exist."""
        try:
            return (self.folder / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def delete(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


@lru_cache(maxsize=100)
def _settings(conf: Path, root: Path, written: int) -> Settings:
    """The settings as they were at the time `written`: reading them takes 0.1 s."""
    return load_from(conf, ENV, lakehouse={"root": str(root)})


def uploads_folder(settings: Settings) -> Path:
    """Where uploads are. UsageError: the lakehouse is in an object store and no folder is set."""
    given = settings.app.uploads.folder
    if given is None and settings.root.is_remote:
        raise UsageError(
            f"The lakehouse {settings.root} is in an object store, and uploads need a folder of "
            "this machine. Set app.uploads.folder in conf."
        )
    place = Path(given) if given else Path(settings.root).with_name(f"{settings.root.name}-uploads")
    return place.resolve()


def stored(
    settings: Settings, owner: str, title: str, *, content: IO[bytes], now: dt.datetime
) -> Upload:
    """A new upload with this content. UsageError if it is larger than conf allows."""
    most = settings.app.uploads.most_mb * PART
    upload = Upload(uploads_folder(settings) / secrets.token_hex(16))
    files = upload.folder / "files"
    upload.folder.mkdir(parents=True, mode=0o700)
    files.mkdir(mode=0o700)
    part = content.read(PART)
    file, size = FILES.get(part[:4], "upload.csv"), 0
    with (files / file).open("wb") as target:
        while part and size + len(part) <= most:
            size += target.write(part)
            part = content.read(PART)
    if part:
        upload.delete()
        raise UsageError(
            f"The file is larger than {settings.app.uploads.most_mb} MB. Upload fewer years, or "
            "leave out columns that are not needed: customer, order, day and amount are enough."
        )
    name = "".join(c for c in title if c.isprintable())[:LONGEST_NAME]
    facts = UploadFacts(owner, file, name, size, now.isoformat(timespec="seconds"))
    upload.write("upload.json", asdict(facts))
    write_defaults(upload, settings)
    return upload


def write_defaults(upload: Upload, settings: Settings) -> None:
    """The settings of the upload that init does not guess.

    Rejected rows do not stop the load: the page shows their share, and a person decides.
    """
    upload.conf.mkdir(mode=0o700, exist_ok=True)
    values: dict[str, Any] = {
        "lakehouse": {"root": str(upload.root)},
        "ingest": {"max_quarantined_share": 1.0},
        "report": {"locale": settings.report.locale},
    }
    own_offers = conf_dir() / OFFERS
    if own_offers.is_file() and conf_dir() != package_conf():
        shutil.copy(own_offers, upload.conf / OFFERS)
    (upload.conf / "defaults.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")


def upload_of(settings: Settings, upload_id: str, owner: str) -> Upload | None:
    """The upload with this id. None: there is none, or another user's."""
    if not _ID.fullmatch(upload_id):
        return None
    upload = Upload(uploads_folder(settings) / upload_id)
    return upload if upload.read("upload.json").get("owner") == owner else None


def uploads_of(settings: Settings, owner: str) -> list[Upload]:
    """The uploads of a user, the newest first."""
    own = [u for u in _all(settings) if u.read("upload.json").get("owner") == owner]
    return sorted(own, key=lambda u: u.facts.uploaded_at, reverse=True)


def delete_old(settings: Settings, now: dt.datetime) -> int:
    """Delete the uploads that are older than conf keeps them. Returns their number."""
    first = now - dt.timedelta(days=settings.app.uploads.keep_days)
    old = [
        upload
        for upload in _all(settings)
        if (at := upload.read("upload.json").get("uploaded_at"))
        and dt.datetime.fromisoformat(at) < first
    ]
    for upload in old:
        upload.delete()
    return len(old)


def _all(settings: Settings) -> list[Upload]:
    place = uploads_folder(settings)
    if not place.is_dir():
        return []
    return [Upload(f) for f in place.iterdir() if _ID.fullmatch(f.name) and f.is_dir()]
