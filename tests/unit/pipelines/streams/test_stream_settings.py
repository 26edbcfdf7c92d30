"""Settings of streams, and which source a process reads."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.streams.stream_source import chosen_source
from runtime.errors import UsageError
from runtime.settings import Settings, load
from runtime.settings.sources import SourceSettings
from tests.unit.pipelines.streams.event_lake import SOURCE


def source_with(**changes):
    return SourceSettings(**{**SOURCE, **changes})


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"format": "csv"}, "a source with stream needs format: json or kafka, got csv"),
        (
            {"table": "reviews"},
            "a source with stream fills table: engagement_events, got reviews",
        ),
        ({"key": []}, "a source with stream needs a key of mapped columns, such as [event_id]"),
        (
            {"key": ["number"]},
            "a source with stream needs a key of mapped columns, such as [event_id]",
        ),
        ({"format": "kafka"}, "a source of format kafka needs stream.servers and stream.topic"),
        ({"format": "kafka", "stream": None}, "format kafka needs a section stream"),
        (
            {"stream": {"fields": ["a", "a"]}},
            "must name each field once; named twice: ['a']",
        ),
        ({"stream": {"fields": ["_a"]}}, "must not be empty or start with _: ['_a']"),
    ],
)
def test_a_source_that_cannot_be_a_stream_is_refused(changes, fault):
    with pytest.raises(ValidationError) as caught:
        source_with(**changes)
    assert fault in str(caught.value)


def test_a_topic_is_a_source():
    stream = {"fields": ["id"], "servers": "kafka:9092", "topic": "events"}
    assert source_with(format="kafka", path=None, stream=stream).stream.topic == "events"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"levels": [{"level": "high"}, {"level": "low"}]},
            "each level but the last must have `above`, the last must not",
        ),
        (
            {
                "levels": [
                    {"level": "low", "above": 0.1},
                    {"level": "high", "above": 0.5},
                    {"level": "none"},
                ]
            },
            "must be listed from the highest to the lowest, got [0.1, 0.5]",
        ),
        (
            {"levels": [{"level": "low", "above": 0.1}, {"level": "low"}]},
            "must have different names",
        ),
        (
            {"rules": [{**load("demo").stream.rules[0].model_dump(), "to": ["LOW"]}]},
            "rules, engagement_fell: to has unknown levels ['LOW']; levels are high, medium, low",
        ),
    ],
)
def test_levels_and_rules_that_do_not_fit_are_refused(changes, fault):
    values = load("demo").model_dump()
    values["stream"] |= changes
    with pytest.raises(ValidationError) as caught:
        Settings(**values)
    assert fault in str(caught.value)


def settings_with(**sources):
    values = load("demo").model_dump()
    values["sources"] = sources
    return Settings(**values)


def test_a_process_reads_one_source():
    single, two = settings_with(live=SOURCE), settings_with(a=SOURCE, b=SOURCE)
    assert chosen_source(single, None) == chosen_source(single, "live") == "live"
    assert chosen_source(two, "b") == "b"
    for settings, wanted, message in (
        (
            two,
            None,
            "conf/demo.yaml: the sources a, b have a section stream, and a process reads one. Name "
            "it with --source.",
        ),
        (
            single,
            "life",
            "--source life: must be a source with a section stream. Such sources are: live. Did you "
            "mean live?",
        ),
        (
            load("demo"),
            None,
            "conf/demo.yaml: no source has a section stream, so there is nothing to read. "
            "docs/streams.md shows one.",
        ),
    ):
        with pytest.raises(UsageError) as caught:
            chosen_source(settings, wanted)
        assert str(caught.value) == message
