"""Creating a batch: how often it is retried, after which waits, and what is looked up before."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import anthropic
import httpx2
import pytest

from messages.batches import BatchWriter
from messages.gateway import Gateway
from tests.unit.messages.conftest import LIMITS, Ledger

REQUEST = httpx2.Request("POST", "https://api.example/v1/messages/batches")


def unreachable():
    return anthropic.APIConnectionError(request=REQUEST)


def limited(retry_after):
    reply = httpx2.Response(429, headers={"retry-after": retry_after}, request=REQUEST)
    return anthropic.RateLimitError("slow down", response=reply, body=None)


def refused():
    reply = httpx2.Response(400, request=REQUEST)
    return anthropic.BadRequestError("no", response=reply, body=None)


class Service:
    """Answers `create` with each error in turn, then with a batch."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), []
        batches = SimpleNamespace(create=self.create, list=self.list)
        self.messages = SimpleNamespace(batches=batches)

    def with_options(self, **_):
        return self

    def create(self, requests):
        self.calls.append("create")
        if self.errors:
            raise self.errors.pop(0)
        return SimpleNamespace(id="b1")

    def list(self, limit):
        self.calls.append("list")
        return []


def candidates(service, waits, ledger=None):
    gateway = Gateway(service, replace(LIMITS, max_retries=2))
    batches = BatchWriter(gateway, ledger or Ledger(), sleep=waits.append)
    return list(batches._candidates("key", {"r1": {}}))


@pytest.mark.parametrize(
    ("errors", "waits"),
    [
        ([], []),
        ([unreachable(), unreachable()], [1.0, 2.0]),
        ([limited("7"), unreachable()], [7.0, 2.0]),
        ([limited("3600")], [60.0]),
    ],
)
def test_waits_before_a_batch_is_created_again(errors, waits):
    service, waited, ledger = Service(*errors), [], Ledger()
    assert candidates(service, waited, ledger) == [("b1", True)]
    assert waited == waits
    assert ledger.noted == {"key": "b1"}
    # Before each retry the list is searched: the batch exists if only the answer was lost.
    assert service.calls == ["create", *["list", "create"] * len(errors)]


def test_after_the_last_retry_the_error_of_the_service_is_raised():
    service, waited = Service(*[unreachable() for _ in range(5)]), []
    with pytest.raises(anthropic.APIConnectionError):
        candidates(service, waited)
    assert waited == [1.0, 2.0]  # max_retries is 2


def test_a_refusal_is_not_retried():
    service, waited = Service(refused()), []
    with pytest.raises(anthropic.BadRequestError):
        candidates(service, waited)
    assert (service.calls, waited) == (["create"], [])


def test_an_intention_without_an_id_is_looked_up_before_the_first_attempt():
    ledger, service = Ledger(), Service()
    ledger.note("key", "", 1)
    assert candidates(service, [], ledger) == [("b1", True)]
    assert service.calls == ["list", "create"]
