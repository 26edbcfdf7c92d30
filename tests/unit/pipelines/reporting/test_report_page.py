"""The HTML page: escaping, no external resources, order, colours, and rendering from a .zip."""

import dataclasses
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from contracts import catalog
from pipelines.reporting.contact_sections import CONTACTS_FILE
from pipelines.reporting.report_page import (
    DETAILS_FILE,
    ENGINEERS,
    MANAGERS,
    PAGES,
    REPORT_FILE,
    page,
    pages,
)
from runtime.feature_words import FAMILIES, WINDOWED, WORDS, reason, words
from runtime.formats import LocaleFormat
from runtime.settings import load
from tests.unit.pipelines.reporting.report_sample import EMPTY, FULL, customer


@pytest.fixture(params=sorted(PAGES))
def file(request):
    return request.param


def test_the_same_facts_give_the_same_pages():
    assert pages(FULL) == pages(dataclasses.replace(FULL))


def test_a_page_loads_nothing(file):
    """Links lead to its sections, to the other page and to the list; nothing else is named."""
    html = page(FULL, file)
    links = set(re.findall(r'(?:src|href)="(?!#)([^"]*)"', html))
    assert links <= {*PAGES, CONTACTS_FILE} - {file}
    assert "url(" not in html and "@import" not in html and "<script" not in html
    assert "default-src 'none'; style-src 'unsafe-inline'\"" in html


class Outline(HTMLParser):
    """Checks that elements are nested, and collects the attributes of each element."""

    VOID = ("meta", "br", "rect", "line", "circle")

    def __init__(self, html):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("data", [EMPTY, FULL], ids=["empty", "full"])
def test_a_page_is_well_formed_and_its_ids_are_unique(file, data):
    ids = [a["id"] for _, a in Outline(page(data, file)).elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_every_chart_has_a_title_and_a_description_with_its_values(file):
    html = page(FULL, file)
    charts = [a for tag, a in Outline(html).elements if tag == "svg"]
    assert charts and "<img" not in html
    for chart in charts:
        assert chart["role"] == "img"
        for name in chart["aria-labelledby"].split():
            assert re.search(rf'id="{name}">[^<]+<', html)


def test_the_description_of_a_chart_says_what_it_shows():
    (told,) = re.findall(r'id="segment-chart-description">([^<]*)<', page(FULL))
    # 5, 3 and 2 of 10 customers; 100 and 900 of 1,000.
    assert told.replace("\u00a0", " ") == (
        "Bar chart of share of customers and share of the value at risk. Champions: 50.0 % share "
        "of customers, 10.0 % share of the value at risk; At Risk: 30.0 % share of customers, "
        "90.0 % share of the value at risk; Lost: 20.0 % share of customers, 0.0 % share of the "
        "value at risk."
    )


def test_on_a_narrow_screen_every_cell_shows_the_name_of_its_column(file):
    """A phone shows rows as cards, so that no table scrolls sideways."""
    html = page(FULL, file)
    cells = [a for tag, a in Outline(html).elements if tag == "td"]
    assert cells and all(a["data-label"] for a in cells)
    narrow = html.split("@media screen and (max-width: 640px)")[1].split("@media")[0]
    assert "thead { display: none; }" in narrow
    assert "overflow-x" not in html and "min-width: 40rem" not in html


def test_the_page_has_colours_for_dark_screens_and_for_print():
    html = page(FULL)
    assert "prefers-color-scheme: dark" in html and "@media print" in html


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
    html = page(data) + page(data, DETAILS_FILE)
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


FORM = LocaleFormat()


def test_a_persons_attributes_are_named_without_their_values():
    html = page(FULL)
    assert "age band" in html
    assert "45-54" not in html
    assert reason("region", "Paris", FORM) == "region"
    assert reason("never_heard_of", "Paris", FORM) == "never heard of"


def test_all_segments_with_customers_stand_in_the_order_of_conf_with_their_meaning():
    table = page(FULL).split('id="segments"')[1].split("</table>")[0]
    rows = re.findall(r'data-label="(?:Segment|Who they are)"><div>([^<]+)<', table)
    assert rows == [
        *("Champions", "Last purchase very recent; buy often and spend much."),
        *("At Risk", "Last purchase long ago or longest ago; buy an average amount."),
        *("Lost", "No purchase for more than 90 days."),
    ]


NO_FEATURES = {
    *("is_terminated", "engagement_basis", "ticket_sentiment_basis", "review_sentiment_basis")
}


def test_every_feature_has_words():
    tables = catalog.tables()
    features = {
        c.name
        for name in ("features.behavior", "features.demographics", "features.transactions")
        for c in tables[name].columns
        if c.type != "date" and c.name not in ("customer_id", *NO_FEATURES)
    }
    windowed = {f"{stem}_{days}d" for stem in WINDOWED for days in catalog.DEFAULT_WINDOWS}
    assert features - set(WORDS) - windowed == set()
    assert words("products_45d") == ("different products in the last 45 days", "number")


@pytest.mark.parametrize(
    ("feature", "value", "expected"),
    [
        ("recency_days", "45", "no purchase for 45 days"),
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
            "silent 2.3 times as long as usual",
        ),
        ("gap_mean_days", None, "average days between purchases: unknown"),
        ("gap_mean_days", "2.94", "on average 2.9 days between purchases"),
        ("purchases_60d", None, "purchases in the last 60 days: unknown"),
        ("purchases_60d", "0", "no purchase in the last 60 days"),
        ("purchases_60d", "1", "1 purchase in the last 60 days"),
        # 0.1 per day of 30 days
        ("purchase_frequency_30d", "0.1", "3 purchases in the last 30 days"),
        ("has_profile", "0", "profile known: no"),
    ],
)
def test_a_reason_says_the_customers_value(feature, value, expected):
    assert reason(feature, value, FORM) == expected


def test_a_page_without_data_has_every_section():
    for file, outline in ((REPORT_FILE, MANAGERS), (DETAILS_FILE, ENGINEERS)):
        assert re.findall(r'<section id="(\w+)">', page(EMPTY, file)) == list(outline)


def test_scores_of_a_date_that_the_champion_was_trained_on_are_called_so(file):
    warning = "rained on this date, so it"
    assert warning not in page(FULL, file)
    seen = dataclasses.replace(FULL.model, trained_on=("2017-12-02",))
    assert warning in page(dataclasses.replace(FULL, model=seen), file)


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
    html = page(FULL, DETAILS_FILE)
    table = html.split('id="moves"')[1].split("</table>")[0]
    row = table.split(f">{start} (")[1].split("</tr>")[0]
    cell = row.split(f'data-label="{end}"><div>')[1].split("</td>")[0]
    assert f"rgba({colour}," in cell


def test_every_family_of_conf_has_words():
    assert set(load("demo").training.feature_families) <= set(FAMILIES)
