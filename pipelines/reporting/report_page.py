"""Render the report: a page for managers, and one for engineers. Same data, same bytes.

The templates and the style sheet are package resources, so they also load from a .zip. Jinja2
escapes all values. A page loads nothing: style and charts are part of it, and its content security
policy forbids everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipelines.reporting import (
    campaign_texts,
    cause_sections,
    contact_sections,
    contact_texts,
    detail_sections,
    model_texts,
    plan_texts,
    texts,
    trend_sections,
)
from pipelines.reporting.report_data import MOST_QUARANTINE_REASONS, Figures, ReportData
from runtime import formats

REPORT_FILE, DETAILS_FILE = "report.html", "report-details.html"


class Column(NamedTuple):
    """The heading of a table column. Numbers are right-aligned."""

    name: str
    is_number: bool


@dataclass(frozen=True)
class Section:
    """One section of a page: its template shows `figures`, unless they are None."""

    name: str
    title: str
    sentence: str
    figures: Figures

    @property
    def template(self) -> str:
        return f"{self.name}.html.j2"


# Template -> title, sentence, figures.
Sections = Mapping[
    str,
    tuple[
        str,
        Callable[[ReportData], str],
        Callable[[ReportData], Figures],
    ],
]
MANAGERS: Sections = {
    "contacts": ("Customers to contact now", contact_texts.contacts, contact_sections.contacts),
    "plan": ("What the budget buys", plan_texts.plan, contact_sections.plan),
    "change": ("What has changed", trend_sections.change_sentence, trend_sections.change),
    "leaving": (
        "What leaving means, and who comes back",
        trend_sections.leaving_sentence,
        trend_sections.leaving,
    ),
    "value": ("What the customers are worth", texts.value, contact_sections.value),
    "causes": ("Why customers leave", cause_sections.causes_sentence, cause_sections.causes),
    "segments": ("Who the customers are", texts.segments, cause_sections.segments),
    "campaigns": ("Did the campaigns work?", campaign_texts.campaigns, detail_sections.campaigns),
    "trust": (
        "How far the prediction can be trusted",
        cause_sections.trust_sentence,
        cause_sections.trust,
    ),
}
ENGINEERS: Sections = {
    "model_quality": (
        "How good the churn model is",
        model_texts.quality,
        detail_sections.model_quality,
    ),
    "drivers": ("The features behind the risk", model_texts.drivers, detail_sections.drivers),
    "churn_window": (
        "Is {horizon_days} days the right period to define churn?",
        texts.churn_window,
        detail_sections.churn_window,
    ),
    "rfm_misses": (
        "What the RFM segments miss",
        texts.rfm_misses,
        detail_sections.rfm_misses,
    ),
    "moves": ("Moves between segments", texts.moves, detail_sections.moves),
    "campaign_results": ("Each campaign", campaign_texts.each_campaign, detail_sections.campaigns),
    "about": ("Data, tables and versions", texts.about, detail_sections.about),
}
PAGES = {
    REPORT_FILE: ("Who is about to leave, and what to do", MANAGERS),
    DETAILS_FILE: ("Model, data and tables behind the report", ENGINEERS),
}


def pages(data: ReportData) -> dict[str, str]:
    """The HTML of each page, by its file name."""
    return {file: page(data, file) for file in PAGES}


def page(data: ReportData, file: str = REPORT_FILE) -> str:
    """One page as HTML."""
    title, outline = PAGES[file]
    sections = [
        Section(
            name,
            heading.format(horizon_days=data.horizon_days),
            sentence(data),
            figures(data),
        )
        for name, (heading, sentence, figures) in outline.items()
    ]
    other = next((f, PAGES[f][0]) for f in PAGES if f != file)
    template = environment(data.form).get_template("page.html.j2")
    return template.render(title=title, data=data, sections=sections, style=style(), other=other)


def style() -> Markup:
    """The style sheet. It is our own file, so it is not escaped."""
    file = resources.files(__package__).joinpath("templates", "report.css")
    return Markup(file.read_text(encoding="utf-8"))


@cache
def environment(form: formats.LocaleFormat) -> Environment:
    """Jinja2 with the templates of this package and the formats of the locale as filters."""
    jinja = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for number_format in (
        form.whole,
        form.fixed,
        form.money,
        form.cash,
        form.percent,
        form.date,
        form.moment,
    ):
        jinja.filters[number_format.__name__] = number_format
    jinja.globals |= {
        "share": formats.share,
        "text": lambda name: Column(name, False),
        "number": lambda name: Column(name, True),
        "most_quarantine_reasons": MOST_QUARANTINE_REASONS,
    }
    return jinja


def finalize(value: object) -> object:
    """Text without control characters; a non-breaking space before a percent sign.

    >>> finalize("12 %")
    '12\\xa0%'
    """
    if isinstance(value, Markup):
        return value
    return formats.plain(value).replace(" %", "\u00a0%")
