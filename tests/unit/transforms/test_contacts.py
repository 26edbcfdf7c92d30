"""Contacts of campaigns before a day, without control groups."""

from __future__ import annotations

import datetime as dt

from transforms.contacts import campaign_contacts


def test_contacts_before_the_day_count_unless_they_are_of_a_control_group(frame, tuples_of):
    rows = [
        ("before", "ten", "2025-12-31 23:59:59", True),
        ("at_midnight", "ten", "2026-01-01 00:00:00", True),
        ("control_group", None, "2025-12-01 09:00:00", False),
        # An unknown is_treated counts as treated.
        ("unknown", "ten", "2025-12-01 09:00:00", None),
    ]
    columns = "customer_id string, offer_id string, contacted_at timestamp, is_treated boolean"
    contacts = campaign_contacts(frame(columns, rows), dt.date(2026, 1, 1))
    assert tuples_of(contacts) == [
        ("before", "ten", dt.date(2025, 12, 31)),
        ("unknown", "ten", dt.date(2025, 12, 1)),
    ]
