import datetime as dt

import pytest

AS_OF, BEFORE, EARLIER = dt.date(2018, 1, 1), dt.date(2017, 12, 2), dt.date(2017, 11, 2)

SEGMENTS = (
    "as_of date, customer_id string, lifecycle string, recency_days bigint, monetary double, "
    "segment string, segment_group string"
)
SCORES = (
    "as_of date, customer_id string, churn_probability double, risk_level string, "
    "recommended_actions string, model_name string, model_version string, score_basis string"
)
FACTORS = (
    "as_of date, customer_id string, rank int, feature string, value string, impact double, "
    "direction string"
)
LABELS = "customer_id string, as_of date, horizon_days int, lead_days int, churned int"


def rows(frame, *keys):
    return sorted(tuple(r[k] for k in keys) for r in frame.collect())


def segments(session, *customers):
    """A frame from (customer, lifecycle, monetary, segment)."""
    return session.createDataFrame(
        [(AS_OF, c, cycle, 5, money, segment, "Loyal") for c, cycle, money, segment in customers],
        SEGMENTS,
    )


def scores(session, *probabilities):
    """A frame from (customer, probability)."""
    return session.createDataFrame(
        [(AS_OF, c, p, "LOW", None, "xgboost", "1", "model") for c, p in probabilities], SCORES
    )


@pytest.fixture
def customers(session):
    """at_stake and at_risk of scored customers, as `first_list.scored_customers` gives them."""
    return session.createDataFrame(
        [
            ("a", "Champions", 0.5, 80.0, 40.0),
            ("b", "At Risk", 0.25, 160.0, 40.0),
            ("c", "At Risk", 0.9, 0.0, 0.0),
            ("d", "Promising", 0.5, 0.0, 0.0),
        ],
        "customer_id string, segment string, churn_probability double, at_stake double, "
        "at_risk double",
    )


def test_rising_factors_are_those_of_the_chosen_that_raise_the_risk(session):
    from transforms.report_tables import rising_factors

    factors = session.createDataFrame(
        [
            (AS_OF, "a", 1, "recency_days", "45", 0.8, "increase"),
            (AS_OF, "a", 2, "total_orders", "90", -0.4, "decrease"),
            (AS_OF, "a", 3, "revenue_30d", None, 0.1, "increase"),
            (AS_OF, "z", 1, "recency_days", "9", 0.7, "increase"),
        ],
        FACTORS,
    )
    chosen = session.createDataFrame([("a",)], "customer_id string")
    raising = rows(rising_factors(factors, chosen), "customer_id", "rank", "feature")
    assert raising == [("a", 1, "recency_days"), ("a", 3, "revenue_30d")]


def test_segment_figures_count_all_customers_and_sum_over_the_scored(session, customers):
    from transforms.report_tables import segment_figures

    known = segments(
        session,
        ("a", "active", 80.0, "Champions"),
        ("b", "silent", 160.25, "At Risk"),
        ("c", "silent", -10.0, "At Risk"),
        ("e", "lost", 30.0, "Lost"),
    )
    names = ("segment", "customers", "revenue", "scored", "probability", "at_stake", "at_risk")
    assert rows(segment_figures(known, customers), *names) == [
        ("At Risk", 2, 160.25 - 10, 2, 0.25 + 0.9, 160.0 + 0, 40.0 + 0),
        ("Champions", 1, 80.0, 1, 0.5, 80.0, 40.0),
        ("Lost", 1, 30.0, None, None, None, None),
    ]


def test_sums_do_not_depend_on_the_order_of_addition(session):
    from transforms.report_tables import segment_figures

    # As doubles, 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last digit.
    values = [("a", 0.1), ("b", 0.2), ("c", 0.3)]
    known = segments(session, *[(c, "active", 1.0, "Champions") for c, _ in values])
    columns = "customer_id string, segment string, churn_probability double, at_stake double, "

    def scored(order):
        customers = [(c, "Champions", p, 1.0, p) for c, p in order]
        return session.createDataFrame(customers, f"{columns} at_risk double")

    sums = {
        rows(segment_figures(known, scored(order)), "probability")[0]
        for order in (values, values[::-1])
    }
    assert sums == {(0.6,)}


def test_drivers_sum_impacts_whatever_their_sign(session):
    from transforms.report_tables import driver_figures

    factors = session.createDataFrame(
        [
            (AS_OF, "a", 1, "recency_days", "45", 0.75, "increase"),
            (AS_OF, "b", 1, "recency_days", "2", -0.5, "decrease"),
            (AS_OF, "b", 2, "plan", "x", 0.0, "decrease"),
        ],
        FACTORS,
    )
    assert rows(driver_figures(factors), "feature", "customers", "raised", "strength") == [
        ("plan", 1, 0, 0.0),
        ("recency_days", 2, 1, 0.75 + 0.5),
    ]


def test_a_label_matures_once_lead_and_horizon_have_passed(session):
    from transforms.report_tables import matured

    labels = session.createDataFrame(
        [
            ("a", BEFORE, 30, 0, 1),  # ends 2018-01-01: passed
            ("b", BEFORE, 30, 1, 1),  # ends one day later: not passed
            ("c", BEFORE, 60, 0, 1),
            ("d", AS_OF, 1, 0, 1),
        ],
        LABELS,
    )
    assert rows(matured(labels, AS_OF), "customer_id") == [("a",)]


def test_a_silent_customer_counts_for_every_shorter_silence(session):
    from transforms.report_tables import returns_by_silence

    transactions = session.createDataFrame(
        [
            ("a", BEFORE, 30),  # exactly 30, not above
            ("b", BEFORE, 31),
            ("c", BEFORE, 95),
            ("a", EARLIER, 31),
            ("d", BEFORE, 95),  # no label
        ],
        "customer_id string, as_of date, recency_days bigint",
    )
    labels = session.createDataFrame(
        [
            ("a", BEFORE, 30, 0, 0),
            ("b", BEFORE, 30, 0, 0),
            ("c", BEFORE, 30, 0, 1),
            ("a", EARLIER, 30, 0, 0),
            ("a", EARLIER, 60, 0, 0),
        ],
        LABELS,
    )
    names = ("silent_days", "horizon_days", "rows", "returned", "first_as_of", "last_as_of")
    assert rows(returns_by_silence(transactions, labels, (30, 90)), *names) == [
        (30, 30, 3, 2, EARLIER, BEFORE),  # b, c, and a of EARLIER; b and a returned
        (30, 60, 1, 1, EARLIER, EARLIER),
        (90, 30, 1, 0, BEFORE, BEFORE),  # c
    ]


def test_a_leaver_of_the_shorter_horizon_returns_by_the_longer(session):
    from transforms.report_tables import returns_after_horizon

    def of(customer, *churned):
        return [(customer, EARLIER, h, 0, c) for h, c in zip((30, 60, 90), churned, strict=False)]

    labels = session.createDataFrame(
        [
            *of("stays", 0, 0, 0),
            *of("back by 60", 1, 0, 0),
            *of("back by 90", 1, 1, 0),
            *of("never", 1, 1, 1),
            *of("seen to 60 only", 1, 1),
        ],
        LABELS,
    )
    names = ("horizon_days", "later_days", "rows", "leavers", "returned")
    assert rows(returns_after_horizon(labels, [(30, 60), (60, 90)]), *names) == [
        (30, 60, 5, 4, 1),
        (60, 90, 4, 2, 1),
    ]


def test_the_latest_shared_as_of_has_both(session):
    from transforms.report_tables import latest_shared_as_of

    def dates(*days):
        return session.createDataFrame([(d,) for d in days], "as_of date")

    assert rows(
        latest_shared_as_of(dates(AS_OF, BEFORE, EARLIER), dates(BEFORE, EARLIER)), "as_of"
    ) == [(BEFORE,)]
    assert rows(latest_shared_as_of(dates(AS_OF), dates(BEFORE)), "as_of") == [(None,)]


def test_churn_by_segment_separates_leavers_from_stayers(session):
    from transforms.report_tables import churn_by_segment

    known = segments(
        session,
        ("a", "active", 80.0, "Champions"),
        ("b", "active", 20.5, "Champions"),
        ("c", "active", 10.0, "Champions"),
        ("d", "lost", 30.0, "Lost"),
        ("e", "lost", 40.0, "Lost"),
        ("f", "prospect", 0.0, "Prospects"),  # has no label
    )
    labels = session.createDataFrame(
        [(c, AS_OF, 30, 0, churned) for c, churned in zip("abcde", (1, 1, 0, 1, 0), strict=True)],
        LABELS,
    )
    by_segment = churn_by_segment(
        known, labels, scores(session, ("a", 0.5), ("b", 0.25), ("c", 0.125))
    )
    names = ("segment", "lifecycle", "customers", "churned", "revenue_lost")
    assert rows(by_segment, *names) == [
        ("Champions", "active", 3, 2, 80 + 20.5),
        ("Lost", "lost", 2, 1, 30.0),
    ]
    names = ("segment", "scored_left", "p_left", "scored_stayed", "p_stayed")
    assert rows(by_segment, *names) == [
        ("Champions", 2, 0.5 + 0.25, 1, 0.125),
        ("Lost", 0, None, 0, None),
    ]


def test_counts_by_lifecycle_and_by_origin_of_the_score(session):
    from transforms.report_tables import lifecycle_counts, score_counts

    known = segments(
        session,
        ("a", "active", 1.0, "Champions"),
        ("b", "active", 1.0, "Champions"),
        ("c", "lost", 1.0, "Lost"),
    )
    assert rows(lifecycle_counts(known), "lifecycle", "customers") == [("active", 2), ("lost", 1)]
    counts = score_counts(scores(session, ("a", 0.5), ("b", 0.2)))
    names = ("score_basis", "model_name", "model_version", "customers")
    assert rows(counts, *names) == [("model", "xgboost", "1", 2)]


def test_ingest_figures_add_up_the_files_of_a_source(session):
    from transforms.report_tables import ingest_figures

    log = session.createDataFrame(
        [("t", "1", 10, 6, 2, 1, 1), ("t", "2", 5, 5, 0, 0, None), ("c", "3", 1, 1, 0, 0, None)],
        "source string, batch_id string, rows_in bigint, rows_kept bigint, "
        "rows_quarantined bigint, rows_duplicate bigint, rows_left_out bigint",
    )
    names = ("source", "files", "rows_in", "rows_kept", "rows_quarantined", "rows_duplicate")
    # The files of c, and the second of t, were loaded before sources could leave rows out.
    assert rows(ingest_figures(log), *names, "rows_left_out") == [
        ("c", 1, 1, 1, 0, 0, 0),
        ("t", 2, 10 + 5, 6 + 5, 2, 1, 1),
    ]
    older = log.drop("rows_left_out")
    assert rows(ingest_figures(older), "source", "rows_left_out") == [("c", 0), ("t", 0)]


def test_quarantine_figures_leave_out_what_was_replayed_and_keep_the_most_frequent(session):
    from transforms.report_tables import quarantine_figures

    waiting = session.createDataFrame(
        [
            ("t", "no_day", None),
            ("t", "no_day", False),
            ("t", "no_day", True),
            ("t", "no_id", False),
        ],
        "source string, reasons string, is_replayed boolean",
    )
    names = ("source", "reasons", "rows")
    assert rows(quarantine_figures(waiting, 5), *names) == [("t", "no_day", 2), ("t", "no_id", 1)]
    assert rows(quarantine_figures(waiting, 1), *names) == [("t", "no_day", 2)]


def test_rows_by_table_counts_each_and_an_empty_one_is_zero(session):
    from transforms.report_tables import rows_by_table

    two_customers = session.createDataFrame([("a",), ("b",)], "customer_id string")
    frames = {"gold.one": two_customers, "gold.none": two_customers.where("customer_id = 'z'")}
    assert rows(rows_by_table(frames), "table", "rows") == [("gold.none", 0), ("gold.one", 2)]
