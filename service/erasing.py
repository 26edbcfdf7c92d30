"""Erase customers from the online store and from the spool of the inference log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from redis.exceptions import RedisError

from runtime.errors import BusyError, HoldfastError
from runtime.files import Location
from runtime.settings import Settings
from service.log_rows import customer_of
from service.records import Keys
from service.redis_client import blocking_client
from service.spool import complete_segments, dead_instance, instances, spool_of

KEYS_AT_ONCE = 1_000


def erase_online(settings: Settings, ids: Collection[str]) -> int:
    """Delete the records and cached answers of customers from Redis. How many keys there were.

    One pass over the keys of cached answers, however many customers there are. HoldfastError:
    Redis does not answer.
    """
    conf, keys, wanted = settings.service.redis, Keys(settings.env), set(ids)
    if conf.url is None:
        return 0
    client, removed = blocking_client(conf), 0
    prefix = keys.answer("", "")[:-1]  # holdfast:<env>:answer:
    try:
        for some in _batches(sorted(wanted)):
            removed += client.unlink(*map(keys.customer, some))
        answers = client.scan_iter(match=f"{_literally(prefix)}*", count=KEYS_AT_ONCE)
        for some in _batches(answers):
            # Neither models nor this prefix hold a colon behind the one before the id.
            own = [k for k in some if k.decode()[len(prefix) :].partition(":")[2] in wanted]
            removed += client.unlink(*own) if own else 0
    except RedisError as error:
        raise HoldfastError(
            f"{conf.url}: Redis does not answer ({type(error).__name__}), so the online store "
            "could not be erased. Start it and run the command again. If there is no online store, "
            "set service.redis.url: null."
        ) from None
    finally:
        with suppress(RedisError):
            client.close()
    return removed


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(values)
    while some := list(islice(left, KEYS_AT_ONCE)):
        yield some


def _literally(text: str) -> str:
    """The text as a pattern of Redis that matches only itself."""
    return "".join(f"\\{c}" if c in "*?[]\\^" else c for c in text)


def check_no_service(root: Location) -> None:
    """BusyError if a prediction service of this machine writes answers of this lakehouse."""
    folder = spool_of(root)
    for instance in instances(folder):
        with dead_instance(folder, instance) as is_dead:
            if not is_dead and (folder / f"{instance}.lock").exists():
                raise BusyError(
                    f"{folder}: the prediction service writes answers here, and may write one "
                    "about an erased customer. Stop it, run the command, and start it again; or "
                    "give --force, and run the command once more when the service has restarted."
                )


def erase_spooled(root: Location, ids: Collection[str]) -> int:
    """Remove the answers about customers from files of services that have ended. How many."""
    folder, removed, wanted = spool_of(root), 0, set(ids)
    for instance in instances(folder):
        with dead_instance(folder, instance) as is_dead:
            for segment in complete_segments(folder, instance) if is_dead else ():
                lines = segment.read_bytes().splitlines(keepends=True)
                kept = [line for line in lines if customer_of(line) not in wanted]
                if len(kept) < len(lines):
                    Location.of(segment).write(b"".join(kept))
                removed += len(lines) - len(kept)
    return removed
