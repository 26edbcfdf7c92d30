"""Lease files in a folder and in S3 (a moto server on loopback)."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, S3FileSystem

from runtime.errors import HoldfastError
from runtime.lakehouse.lease_files import FolderFiles, StoreFiles, lease_files
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.lease_watch import numbers_of
from runtime.lakehouse.leases import Lease, Terms, leases

TABLE = "gold.scores"
KEYS = {"access_key": "key", "secret_key": "secret", "region": "us-east-1"}


@pytest.fixture(scope="module")
def s3():
    """Arrow's file system of an S3 server that has the bucket `lake`."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    system = S3FileSystem(
        endpoint_override=f"http://{host}:{port}", allow_bucket_creation=True, **KEYS
    )
    system.create_dir("lake")
    yield system
    server.stop()


@pytest.fixture(params=["folder", "arrow", "s3"])
def files(request, tmp_path):
    if request.param == "folder":
        return FolderFiles(tmp_path)
    if request.param == "s3":
        return StoreFiles(request.getfixturevalue("s3"), f"lake/{tmp_path.name}")
    (tmp_path / ".leases" / TABLE).mkdir(parents=True)  # an object store needs no folders
    (tmp_path / ".leases" / "gold.scores_of_others").mkdir()
    return StoreFiles(LocalFileSystem(), str(tmp_path))


def test_a_file_is_written_replaced_and_deleted(files):
    assert files.names(TABLE) == []
    assert files.read(TABLE, "a.json") == ""
    files.write(TABLE, "a.json", "one")
    files.write(TABLE, "a.json", "två")
    files.write(TABLE, "b.json", "")
    files.write("gold.scores_of_others", "c.json", "")
    assert (files.read(TABLE, "a.json"), sorted(files.names(TABLE))) == (
        "två",
        ["a.json", "b.json"],
    )
    for _ in range(2):  # the second time it does not exist any more
        files.delete(TABLE, "a.json")
    assert files.names(TABLE) == ["b.json"]


def test_of_four_threads_one_holds_the_lease_at_a_time(files):
    counted, failed = [], []

    def count():
        try:
            for _ in range(5):
                holder = Holder.now("ingest", "one")
                with leases(files, [TABLE], holder, terms=Terms(30, 60)) as held:
                    before = len(counted)
                    time.sleep(0.002)
                    assert len(counted) == before
                    counted.append(held[TABLE].number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two who wrote the same number at the same time both stepped back, so none is missing.
    assert (failed, counted) == ([], list(range(1, 21)))


def test_leases_in_s3_are_numbered_expire_and_are_lost_as_in_a_folder(s3):
    files, terms = StoreFiles(s3, "lake/leases"), Terms(1, 20)
    for expected in (1, 2):
        with leases(files, [TABLE], Holder.now("ingest", "one"), terms=terms) as held:
            assert held[TABLE].number == expected
    dead = Holder("ingest", "dead", "2026-01-01", machine="elsewhere")
    stopped = Lease(files, TABLE, 3, holder=dead, seconds=1)
    assert stopped.take()
    with leases(files, [TABLE], Holder.now("ingest", "next"), terms=terms) as held:
        held[TABLE].check()
        assert (held[TABLE].number, stopped.is_held()) == (4, False)
    assert set(numbers_of(files, TABLE).values()) == {3, 4}  # 3: its heartbeat wrote it again
    with leases(files, [TABLE], Holder.now("ingest", "last"), terms=terms):
        assert set(numbers_of(files, TABLE).values()) == {5}


def test_a_folder_that_is_a_symbolic_link_is_not_followed(tmp_path):
    victim, lake = tmp_path / "victim", tmp_path / "lakehouse"
    victim.mkdir()
    lake.mkdir()
    (lake / ".leases").symlink_to(victim)
    with pytest.raises(HoldfastError) as error:
        FolderFiles(lake).write(TABLE, "a.json", "text")
    assert str(error.value) == (
        f"{lake / '.leases'}: the lease files cannot be used: .leases is a symbolic link. Only the "
        "user who owns the lakehouse may write to it. Run as that user, or remove the folder if no "
        "run uses it."
    )
    assert list(victim.iterdir()) == []


def test_a_file_that_is_a_symbolic_link_is_replaced_and_not_written_to(tmp_path):
    victim, files = tmp_path / "victim", FolderFiles(tmp_path)
    victim.write_text("kept")
    files.write(TABLE, "a.json", "")
    for name in ("b.json", "b.json.part"):
        (tmp_path / ".leases" / TABLE / name).symlink_to(victim)
    files.write(TABLE, "b.json", "text")
    assert (victim.read_text(), files.read(TABLE, "b.json")) == ("kept", "text")


def test_only_the_owner_can_read_lease_files(tmp_path):
    FolderFiles(tmp_path).write(TABLE, "a.json", "")
    folder = tmp_path / ".leases"
    modes = [p.stat().st_mode & 0o777 for p in (folder, *sorted(folder.rglob("*")))]
    assert modes == [0o700, 0o700, 0o600]


def test_a_folder_of_another_user_gives_a_sentence(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("runtime.lakehouse.lease_files.os.open", refuse)
    with pytest.raises(HoldfastError, match="cannot be used: Permission denied"):
        FolderFiles(tmp_path).write(TABLE, "a.json", "text")


def test_a_root_is_a_folder_or_a_uri(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")  # else Arrow asks Amazon
    folder = lease_files(tmp_path / "lake")
    assert isinstance(folder, FolderFiles)
    assert folder.folder == Path(tmp_path / "lake" / ".leases")
    stored = lease_files("s3a://bucket/lake")
    assert isinstance(stored, StoreFiles)
    assert (stored.system.type_name, stored.folder) == ("s3", "bucket/lake/.leases")
    with pytest.raises(HoldfastError, match=r"^ftp://host/lake: the lease files cannot be used: "):
        lease_files("ftp://host/lake")


def test_a_store_that_refuses_or_does_not_answer_gives_a_sentence(s3):
    missing = StoreFiles(s3, "missing/lake")
    with pytest.raises(HoldfastError, match=r"^missing/lake/\.leases: the lease files"):
        missing.write(TABLE, "a.json", "text")
    nobody = S3FileSystem(endpoint_override="http://127.0.0.1:9", connect_timeout=1, **KEYS)
    with pytest.raises(HoldfastError, match=r"^lake/\.leases: the lease files cannot"):
        StoreFiles(nobody, "lake").names(TABLE)
