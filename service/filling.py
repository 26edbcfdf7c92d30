"""Fill Redis from the feature tables, batch by batch, and from the payments."""

from __future__ import annotations

import json
from contextlib import suppress

from redis.exceptions import ConnectionError as RedisConnectionError, RedisError, TimeoutError

from runtime.errors import HoldfastError, UsageError
from runtime.settings import Settings
from service.delta_features import DeltaFeatures
from service.fraud_filling import fill_fraud
from service.records import Keys
from service.redis_client import blocking_client

DAY_SECONDS = 86_400


def fill(settings: Settings) -> str:
    """Write one record per customer of the last closed day, count payments, and say how many.

    `filled` is written last: until then, and if the run is killed, customers without a record are
    looked up in Delta. HoldfastError: Redis does not answer, or is full.
    """
    conf = settings.service.redis
    if conf.url is None:
        raise UsageError("service.redis.url: is null, so there is no online store to fill.")
    delta, keys, client = DeltaFeatures(settings), Keys(settings.env), blocking_client(conf)
    as_of, lives = delta.as_of().isoformat(), conf.record_days * DAY_SECONDS
    customers = 0
    try:
        for records in delta.all_records():
            with client.pipeline(transaction=False) as pipeline:
                for customer_id, record in records:
                    pipeline.set(keys.customer(customer_id), record.value(), ex=lives)
                pipeline.execute()
            customers += len(records)
        filled = json.dumps({"as_of": as_of, "customers": customers})
        # It ends before the first record does: then Delta is asked again.
        client.set(keys.filled, filled, ex=lives - DAY_SECONDS // 2)
        payments = fill_fraud(settings, client)
    except (RedisConnectionError, TimeoutError) as error:
        raise HoldfastError(
            f"{conf.url}: Redis does not answer ({type(error).__name__}). Start it, or set "
            "service.redis.url."
        ) from None
    except RedisError as error:
        raise HoldfastError(
            # not the error's text, which holds features of a customer
            f"{conf.url}: Redis refused the records ({type(error).__name__}). Give it more memory "
            "(maxmemory)."
        ) from None
    finally:
        with suppress(RedisError):
            client.close()
    return f"online store: {customers:,} customers of {as_of}\n{payments}"
