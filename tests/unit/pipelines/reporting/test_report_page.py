"""The HTML page: escaping, no external resources, order, colours, and rendering from a .zip."""

import dataclasses
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from contracts import catalog
from pipelines.reporting.formats import WINDOWED, WORDS, reason, words
from pipelines.reporting.report_page import page
from tests.unit.pipelines.reporting.report_sample import EMPTY, FULL, ORDER, customer


def test_the_same_facts_give_the_same_page():
    assert page(FULL) == page(dataclasses.replace(FULL))


def test_the_page_loads_nothing():
    html = page(FULL)
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html) == []
    assert "url(" not in html and "@import" not in html and "<script" not in html


def test_an_id_from_the_data_is_text_and_never_markup():
    html = page(dataclasses.replace(FULL, customers=[customer("<script>\x1b[31m&", 1.0)]))
    assert "&lt;script&gt;?[31m&amp;" in html
    assert "<script" not in html


def test_every_text_from_the_data_is_escaped():
    """Table cells, list items, notes, attributes, SVG texts and sentences."""
    markup = '<i title="x">&</i>'
    groups = {"High-value": [markup], "Hibernating": ["Lost"]}
    move = {"from_segment": markup, "to_segment": "Lost", "customers": 1}
    data = dataclasses.replace(
        FULL,
        env=markup,
        root=markup,
        groups=groups,
        segments=[{**FULL.segments[0], "segment": markup}],
        moves=[move | {"previous_as_of": FULL.moves[0]["previous_as_of"]}],
        customers=[customer("c1", 1.0, [("plan", markup)], markup)],
        sources=[FULL.sources[0] | {"source": markup}],
        quarantined=[{"source": markup, "reasons": markup, "rows": 1}],
        model=dataclasses.replace(FULL.model, name=markup, version=markup, promotion=markup),
    )
    html = page(data)
    assert "<i title" not in html and 'title="x"' not in html
    assert "&lt;i title=&#34;x&#34;&gt;&amp;&lt;/i&gt;" in html
    assert "&amp;amp;" not in html and "&amp;lt;" not in html  # escaped once


def test_the_templates_load_from_a_zip(tmp_path):
    """--py-files ships the package as a .zip: docs/adr/0005-zip-for-py-files.md."""
    archive = tmp_path / "holdfast.zip"
    root = Path(page.__code__.co_filename).parents[2]
    with zipfile.ZipFile(archive, "w") as package:
        for folder in ("contracts", "pipelines", "models", "runtime", "udfs"):
            for path in (root / folder).rglob("*"):
                if path.is_file() and path.suffix in (".py", ".j2", ".css"):
                    package.write(path, path.relative_to(root))
        package.write(Path(__file__).with_name("report_sample.py"), "report_sample.py")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from report_sample import FULL\n"
        "from pipelines.reporting import report_page\n"
        "print(report_page.__file__, file=sys.stderr)\n"
        "sys.stdout.buffer.write(report_page.page(FULL).encode())\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.decode().startswith(str(archive))
    assert done.stdout.decode() == page(FULL)


def test_a_persons_attributes_are_named_without_their_values():
    html = page(FULL)
    assert "age band" in html
    assert "45-54" not in html
    assert reason("region", "Paris") == "region"
    assert reason("never_heard_of", "Paris") == "never heard of"


def test_all_segments_stand_in_the_order_of_conf():
    table = page(FULL).split('id="s4"')[1].split("</table>")[0]
    assert re.findall(r'data-label="Segment">([^<]+)<', table) == [
        name.replace("'", "&#39;") for name in ORDER
    ]


def test_every_feature_has_words():
    tables = catalog.tables()
    features = {
        c.name
        for name in ("features.behavior", "features.demographics", "features.transactions")
        for c in tables[name].columns
        if c.type != "date" and c.name not in ("customer_id", "is_terminated", "engagement_basis")
    }
    windowed = {f"{stem}_{days}d" for stem in WINDOWED for days in catalog.DEFAULT_WINDOWS}
    assert features - set(WORDS) - windowed == set()
    assert words("products_45d") == ("different products in the last 45 days", "number")


@pytest.mark.parametrize(
    ("feature", "value", "expected"),
    [
        ("recency_days", "45", "days since the last purchase: 45"),
        ("revenue_90d", "1.234e+04", "revenue in the last 90 days: 12,340"),
        (
            "revenue_trend",
            "-0.5",
            "change in revenue, last 30 days against the 30 days before: -50 %",
        ),
        ("weekend_share", "0.25", "share of purchases on weekends: 25 %"),
        (
            "recency_over_gap",
            "2.34",
            "days since the last purchase, relative to the average gap: 2.3 times",
        ),
        ("gap_mean_days", None, "average days between purchases: unknown"),
        ("has_profile", "0", "profile known: no"),
    ],
)
def test_a_reason_says_the_customers_value(feature, value, expected):
    assert reason(feature, value) == expected


def test_a_page_without_data_has_every_section():
    assert re.findall(r'<section id="s(\d+)">', page(EMPTY)) == [str(n) for n in range(1, 12)]


def test_scores_of_a_date_that_the_champion_was_trained_on_are_called_so():
    warning = "The champion was trained on this date"
    assert warning not in page(FULL)
    seen = dataclasses.replace(FULL.model, trained_on=("2017-12-02",))
    assert warning in page(dataclasses.replace(FULL, model=seen))


@pytest.mark.parametrize(
    ("start", "end", "colour"),
    [
        ("Champions", "At Risk", "217,119,6"),  # worse group: orange
        ("Lost", "Champions", "13,148,136"),  # better group: green
        ("Champions", "Champions", "100,116,139"),
        ("At Risk", "Lost", "217,119,6"),
        ("New customer", "Promising", "100,116,139"),  # no segment before
    ],
)
def test_a_move_has_the_colour_of_its_direction(start, end, colour):
    table = page(FULL).split('id="s5"')[1].split("</table>")[0]
    row = table.split(f">{start} (")[1].split("</tr>")[0]
    cell = row.split(f'data-label="{end}">')[1].split("</td>")[0]
    assert f"rgba({colour}," in cell
