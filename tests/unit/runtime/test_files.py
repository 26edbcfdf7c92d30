"""Files in a folder and in an object store; the store is Arrow's file system in memory."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

import pytest
from pyarrow.fs import _MockFileSystem

from runtime import files
from runtime.errors import StoreError
from runtime.file_systems import SCHEMES, delta_options, explained, scheme_of, store_error
from runtime.files import Location


@pytest.fixture(params=["folder", "store"])
def root(request, tmp_path, monkeypatch):
    """An empty place for files."""
    if request.param == "folder":
        return Location.of(tmp_path / "lake")
    memory = _MockFileSystem()
    memory.create_dir("shop")
    monkeypatch.setattr(files, "file_system", lambda uri: (memory, uri.partition("://")[2]))
    # Unlike an object store it has folders, which must be made first.
    for folder in ("lake", "lake/in", "lake/out"):
        memory.create_dir(f"shop/{folder}")
    return Location.of("s3a://shop/lake")


def test_names_and_parents(tmp_path):
    file = Location.of("s3a://shop/lake/") / "gold" / "part-0.csv"
    assert str(file) == f"{file}" == "s3a://shop/lake/gold/part-0.csv"
    assert (file.name, file.suffix, str(file.parent)) == (
        *("part-0.csv", ".csv"),
        "s3a://shop/lake/gold",
    )
    assert str(file.with_name("x")) == "s3a://shop/lake/gold/x"
    assert file.is_remote and not Location.of(tmp_path).is_remote
    assert Location.of(file) is file


def test_a_place_of_this_machine_is_an_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert os.fspath(Location.of("lake")) == str(tmp_path / "lake")
    assert Path(Location.of("file:///data/a%20b")) == Path("/data/a%20b")
    assert Path(Location.of("file:/data")) == Path("/data")


def test_a_uri_is_no_path():
    with pytest.raises(TypeError) as caught:
        os.fspath(Location.of("s3a://shop/lake"))
    assert str(caught.value) == "s3a://shop/lake is not a path of this machine"


def test_a_file_is_written_as_a_whole_and_read(root):
    file = root / "report.html"
    assert file.read() is None and not file.is_file
    file.write(b"one")
    assert (file.read(), file.size, file.is_file) == (b"one", 3, True)
    file.write(io.BytesIO(b"three"))
    assert file.read() == b"three"
    with file.open() as stream:
        stream.seek(-2, io.SEEK_END)
        assert stream.read() == b"ee"
    assert [f.name for f in root.files()] == ["report.html"]


def test_content_that_is_there_already_is_not_written(root, monkeypatch):
    file = root / "report.html"
    assert file.update(io.BytesIO(b"one"))
    assert not file.update(io.BytesIO(b"one"))
    assert file.update(io.BytesIO(b"onetwo")) and file.update(io.BytesIO(b"one"))
    assert file.read() == b"one"
    monkeypatch.setattr(files, "PART", 2)
    assert not file.update(io.BytesIO(b"one")) and file.update(io.BytesIO(b"onf"))


def test_lines_are_added_to_a_file(root):
    for line in ("a", "b"):
        (root / "journal").append(line)
    assert (root / "journal").read() == b"a\nb\n"


def test_a_file_is_moved_and_deleted_once(root):
    (root / "in" / "a").write(b"1")
    (root / "in" / "a").move(root / "out" / "b")
    assert (root / "in" / "a").read() is None and (root / "out" / "b").read() == b"1"
    for _ in range(2):
        (root / "out" / "b").delete()
        assert (root / "out" / "b").read() is None


def test_files_of_a_folder_with_and_without_its_folders(root):
    for name in ("b.csv", "a.csv"):
        (root / "in" / name).write(b"1")
    (root / "c.csv").write(b"12")
    assert [f.name for f in root.files()] == ["c.csv"]
    listed = root.files(is_recursive=True)
    assert [str(f).removeprefix(f"{root}/") for f in listed] == ["c.csv", "in/a.csv", "in/b.csv"]
    assert [f.size for f in listed] == [2, 1, 1]
    assert (root / "missing").files() == []


def test_files_of_a_pattern(root):
    for name in ("a.csv", "b.csv", "c.txt"):
        (root / "in" / name).write(b"1")
    names = [f.name for f in (root / "in" / "*.csv").matches()]
    assert names == ["a.csv", "b.csv"]
    assert [f.name for f in (root / "in").matches()] == [*names, "c.txt"]
    assert [f.name for f in (root / "in" / "a.csv").matches()] == ["a.csv"]
    assert (root / "in" / "x*").matches() == (root / "in" / "missing").matches() == []


def test_a_folder_is_deleted_with_all_it_contains(root):
    (root / "in" / "a").write(b"1")
    for _ in range(2):
        (root / "in").delete_folder()
        assert (root / "in").files() == []


def test_a_private_file_is_closed_to_others_and_follows_no_link(tmp_path):
    file = Location.of(tmp_path / "out" / "a.json")
    file.write(b"1", is_private=True)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(file.parent).st_mode) == 0o700
    (tmp_path / "out" / ".a.json.draft").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError) as caught:
        file.write(b"2", is_private=True)
    assert caught.value.errno == errno.ELOOP
    assert not (tmp_path / "victim").exists() and file.read() == b"1"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_known_scheme_is_a_uri(scheme):
    assert scheme_of(f"{scheme.upper()}://shop/lake") == scheme


NO_JARS = (
    "Spark has no file system for it on its class path. Add the JARs that docs/platforms.md names "
    "under Object stores: those of s3a with `bin/setup s3`."
)
NO_BUCKET = "there is no such bucket. Create it, or fix the address."
REFUSED = (
    "the store refuses the credentials of the environment, or there are none. Set the variables "
    "that docs/platforms.md lists under Object stores, and check what this user may read and write."
)
SILENT = (
    "the store does not answer. Check the address, the network and, for a server of your own, "
    "AWS_ENDPOINT_URL."
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "gs"',
            NO_JARS,
        ),
        ("java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem", NO_JARS),
        ("AWS Error NO_SUCH_BUCKET during CreateMultipartUpload", NO_BUCKET),
        ("org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://x/': getFileStatus", NO_BUCKET),
        ("AWS Error ACCESS_DENIED during HeadBucket operation: No response body.", REFUSED),
        ("software.amazon.awssdk: (Service: S3, Status Code: 403, Request ID: x)", REFUSED),
        ("NoAwsCredentialsException: Unable to load credentials", REFUSED),
        ("AWS Error NETWORK_CONNECTION during HeadBucket operation: curlCode: 7", SILENT),
        ("java.net.ConnectException: Connection refused", SILENT),
        (
            "An error occurred while calling o1.load.\n: a.b.E: something else.\n\tat a.C(C.java:403)"
            "\n\tat NoSuchBucket.f(g)",
            "a.b.E: something else. docs/platforms.md describes addresses, credentials and JARs under "
            "Object stores.",
        ),
    ],
)
def test_the_errors_of_a_store_are_sentences(text, sentence):
    assert str(store_error("s3a://shop/lake", text)) == (
        f"s3a://shop/lake: cannot be used: {sentence}"
    )


def test_errors_of_this_machine_stay_as_they_are(tmp_path):
    with pytest.raises(PermissionError), explained(str(tmp_path)):
        raise PermissionError("no")
    with pytest.raises(StoreError), explained("s3a://shop/lake"):
        raise OSError("AWS Error ACCESS_DENIED")


def test_the_options_of_delta_rs_hold_no_credentials(monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "qzs-secret")
    bounded = {
        "connect_timeout": "5s",
        "timeout": "20s",
        "max_retries": "3",
        "retry_timeout": "20s",
    }
    assert delta_options("/data/lake") is None
    assert delta_options("s3a://shop/lake") == delta_options("gs://shop/lake") == bounded
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert delta_options("s3a://shop/lake") == {
        **bounded,
        "aws_endpoint_url": "http://127.0.0.1:9000",
        "aws_allow_http": "true",
    }
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://store.example")
    assert delta_options("s3a://shop/lake")["aws_allow_http"] == "false"
