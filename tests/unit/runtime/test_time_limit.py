"""A time limit ends work between its steps, and Spark's jobs at any time."""

from __future__ import annotations

import time

import pytest

from runtime.time_limit import OverTimeError, TimeLimit

REASON = "stopped after 1 s. Raise the setting."


def test_a_check_fails_only_when_no_time_is_left():
    TimeLimit(60.0, REASON).check()
    with pytest.raises(OverTimeError) as error:
        TimeLimit(0.0, REASON).check()
    assert str(error.value) == REASON


@pytest.mark.spark_only
def test_spark_jobs_of_the_thread_are_cancelled_when_the_time_is_over(spark):
    began = time.monotonic()
    limit = TimeLimit(1.0, REASON)
    with pytest.raises(OverTimeError) as error, limit.on(spark):
        # Takes minutes on any machine.
        spark.range(10**12).selectExpr("sum(sin(id))").collect()
    assert str(error.value) == REASON
    assert time.monotonic() - began < 60
    # Later jobs of the thread run.
    assert spark.range(3).count() == 3


@pytest.mark.spark_only
def test_an_error_within_the_time_is_not_hidden(spark):
    with pytest.raises(ZeroDivisionError), TimeLimit(60.0, REASON).on(spark):
        spark.range(3).count()
        _ = 1 / 0
