"""Erased customers in Redis and in the spool of the inference log."""

from __future__ import annotations

import json

import pytest

from runtime.errors import BusyError, HoldfastError
from runtime.files import Location
from service.erasing import check_no_service, erase_online, erase_spooled
from service.log_rows import ScoredPayment
from service.records import Keys
from service.spool import Segments
from tests.unit.service import company, servers
from tests.unit.service.test_inference_log import answer


def test_records_and_cached_answers_of_the_customers_go_and_all_others_stay(tmp_path, redis):
    settings = company.settings_of(tmp_path, redis.url)
    keys = Keys(settings.env)
    models = ("1.-.0.0", "12.13.0.5")
    # Ids that hold a colon or signs of patterns, or end like another id.
    erased, kept = ["c1", "a:c2", "c*[x]", "ü"], ["c11", "c2", "cx", "c", "a:c1"]
    for customer in (*erased, *kept):
        redis.client.set(keys.customer(customer), b"record")
        for version in models:
            redis.client.set(keys.answer(version, customer), b"answer")
    redis.client.set(keys.filled, b"{}")
    redis.client.set(Keys("other").answer(models[0], "c1"), b"of another environment")

    assert erase_online(settings, erased) == len(erased) * (1 + len(models))
    left = {key.decode() for key in redis.client.scan_iter()}
    assert left == {
        *(keys.customer(c) for c in kept),
        *(keys.answer(m, c) for m in models for c in kept),
        keys.filled,
        Keys("other").answer(models[0], "c1"),
    }
    assert erase_online(settings, erased) == 0


def test_a_redis_that_does_not_answer_is_an_error_with_the_way_out(tmp_path):
    url = f"redis://127.0.0.1:{servers.free_port()}/0"
    with pytest.raises(HoldfastError) as fault:
        erase_online(company.settings_of(tmp_path, url), ["c1"])
    assert str(fault.value) == (
        f"{url}: Redis does not answer (ConnectionError), so the online store could not be erased. "
        "Start it and run the command again. If there is no online store, set service.redis.url: "
        "null."
    )
    assert erase_online(company.settings_of(tmp_path, None), ["c1"]) == 0


def test_answers_in_the_spool_go_when_their_service_has_ended(tmp_path):
    root = Location.of(tmp_path)
    folder = tmp_path / "spool" / "inference_log"
    spool = Segments(folder, "one")
    lines = [answer(n, customer_id=c).line() for n, c in enumerate(["c1", "c2", None, "c1"])]
    payment = ScoredPayment(
        "p1", "c1", "2025-03-01", 0.1, "approve", False, None, "model", "1", 1.0
    )
    spool.write(payment.line() + b"".join(lines) + b'["cut')
    with pytest.raises(BusyError, match="the prediction service writes answers here"):
        check_no_service(root)
    assert erase_spooled(root, ["c1"]) == 0  # its writer holds the file

    spool._lock.close()  # the process was killed: the file is still open
    check_no_service(root)
    assert erase_spooled(root, ["c1"]) == 3
    (left,) = folder.glob("*.jsonl")
    assert left.read_bytes() == lines[1] + lines[2] + b'["cut'
    assert json.loads(lines[1])[3] == "c2"


def test_a_lakehouse_without_a_spool_has_nothing_to_erase(tmp_path):
    check_no_service(Location.of(tmp_path))
    assert erase_spooled(Location.of(tmp_path), ["c1"]) == 0
