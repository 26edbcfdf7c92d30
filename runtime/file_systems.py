"""Object stores: which URIs are known, Arrow's file system of a URI, and its errors as sentences.

Credentials come from the environment, where Arrow, delta-rs and Hadoop read them. None is read or
stored here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runtime.errors import StoreError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

# Schemes of which Hadoop, delta-rs and Arrow have a file system.
SCHEMES = ("s3a", "s3", "abfss", "abfs", "gs", "hdfs")
S3 = ("s3a", "s3")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# A store that does not answer is given up after these seconds and tries.
CONNECT_SECONDS, REQUEST_SECONDS, TRIES = 5, 20, 3

# What Arrow, delta-rs and Java say, what it means, and the fix. The first match is used.
_REASONS = (
    (
        r"No FileSystem for scheme|UnsupportedFileSystem|ClassNotFound|NoClassDefFound",
        "Spark has no file system for it on its class path",
        "Add the JARs that docs/platforms.md names under Object stores: those of s3a with "
        "`bin/setup s3`",
    ),
    (
        r"Unrecognized filesystem|Unable to load libhdfs",
        "Python has no file system for it",
        "Use one of the addresses that docs/platforms.md lists under Object stores",
    ),
    (
        r"NO_SUCH_BUCKET|NoSuchBucket|UnknownStoreException",
        "there is no such bucket",
        "Create it, or fix the address",
    ),
    (
        r"ACCESS_DENIED|AccessDenied|ACCESS_KEY_ID|AccessKeyId|SIGNATURE|SignatureDoesNotMatch|"
        r"NoAuth|NoAwsCredentials|Unable to load credentials|[Ss]tatus ?[Cc]ode:? 40[13]|Forbidden",
        "the store refuses the credentials of the environment, or there are none",
        "Set the variables that docs/platforms.md lists under Object stores, and check what this "
        "user may read and write",
    ),
    (
        r"NETWORK_CONNECTION|[Cc]onnection refused|ConnectException|UnknownHost|resolve host|"
        r"[Tt]imed ?out|TIMEOUT|error sending request|Unable to execute HTTP",
        "the store does not answer",
        "Check the address, the network and, for a server of your own, AWS_ENDPOINT_URL",
    ),
)
_UNKNOWN = "docs/platforms.md describes addresses, credentials and JARs under Object stores"


def scheme_of(place: str) -> str | None:
    """The scheme of a URI in lower case; None for a path of this machine.

    >>> scheme_of("s3a://bucket/lake"), scheme_of("/data/a:b"), scheme_of("file:///data")
    ('s3a', None, None)
    """
    match = _SCHEME.match(place)
    scheme = match[1].lower() if match else None
    return None if scheme == "file" else scheme


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn an error of an object store into one sentence, and leave those of this machine."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: Arrow knows no such file system
        if scheme_of(uri) is None:
            raise
        raise store_error(uri, str(error)) from None


def store_error(uri: str, text: str) -> StoreError:
    """The error of a library as one sentence: the URI, the reason and the fix."""
    # Without the lines of a stack trace, and without the first line of py4j.
    lines = [line.strip().lstrip(": ") for line in text.splitlines()]
    told = [x for x in lines if x and not x.startswith(("at ", "An error occurred while calling"))]
    known = ((why, fix) for pattern, why, fix in _REASONS if re.search(pattern, "\n".join(told)))
    reason, fix = next(known, ("".join(told[:1]).rstrip("."), _UNKNOWN))
    return StoreError(f"{uri}: cannot be used: {reason}. {fix}.")


def endpoint() -> str | None:
    """The address of an S3 server other than Amazon's; None: Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def file_system(uri: str) -> tuple[FileSystem, str]:
    """Arrow's file system of a path or URI, and the path inside of it."""
    from pyarrow.fs import FileSystem, LocalFileSystem

    scheme, parts = scheme_of(uri), urlsplit(uri)
    if scheme is None:
        return LocalFileSystem(), uri
    if scheme in S3:
        return _s3(parts.netloc, endpoint()), f"{parts.netloc}{parts.path}"
    system, _ = _of_authority(f"{scheme}://{parts.netloc}/")
    return system, FileSystem.from_uri(uri)[1]


@cache
def _of_authority(uri: str) -> tuple[FileSystem, str]:
    from pyarrow.fs import FileSystem

    return FileSystem.from_uri(uri)


@cache
def _s3(bucket: str, server: str | None) -> FileSystem:
    """The file system of a bucket. Its region comes from the environment, else from Amazon."""
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem, resolve_s3_region

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and server is None:
        region = resolve_s3_region(bucket)
    return S3FileSystem(
        endpoint_override=server,
        region=region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=TRIES),
    )


def forget() -> None:
    """Make new file systems from now on, with the variables that the environment has then."""
    _s3.cache_clear()
    _of_authority.cache_clear()


def delta_options(uri: str) -> dict[str, str] | None:
    """Options of delta-rs for a URI; None for a folder. It reads credentials by itself."""
    if scheme_of(uri) is None:
        return None
    options = {
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "timeout": f"{REQUEST_SECONDS}s",
        "max_retries": str(TRIES),
        "retry_timeout": f"{REQUEST_SECONDS}s",
    }
    if scheme_of(uri) in S3 and (server := endpoint()):
        options |= {"aws_endpoint_url": server}
        options |= {"aws_allow_http": str(server.startswith("http:")).lower()}
    return options
