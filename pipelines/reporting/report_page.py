"""Render the report as one HTML page from the templates. The same data gives the same bytes.

The templates and the style sheet are package resources, so they also load from a .zip. Jinja2
escapes all values. The page loads nothing: style and pictures are part of it, and its content
security policy forbids everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipelines.reporting import (
    campaign_texts,
    contact_texts,
    formats,
    model_texts,
    report_sections,
    texts,
)
from pipelines.reporting.report_data import MOST_QUARANTINE_REASONS, ReportData

TITLE = "Who is about to leave, and why"


class Column(NamedTuple):
    """The heading of a table column. Numbers are right-aligned."""

    name: str
    is_number: bool


@dataclass(frozen=True)
class Section:
    """One section of the page: its template shows `figures`, unless they are None."""

    template: str
    title: str
    sentence: str
    figures: report_sections.Figures


# Template -> title, sentence, figures.
SECTIONS: dict[
    str,
    tuple[
        str,
        Callable[[ReportData], str],
        Callable[[ReportData], report_sections.Figures],
    ],
] = {
    "at_a_glance": ("At a glance", texts.at_a_glance, report_sections.at_a_glance),
    "first_customers": (
        "Customers to contact first",
        contact_texts.first_customers,
        report_sections.first_customers,
    ),
    "strategies": (
        "What each strategy keeps",
        contact_texts.strategies,
        report_sections.strategies,
    ),
    "segments": ("Segments", texts.segments, report_sections.segments),
    "moves": ("Moves between segments", texts.moves, report_sections.moves),
    "model_quality": (
        "How good the churn model is",
        model_texts.quality,
        report_sections.model_quality,
    ),
    "drivers": ("What drives churn", model_texts.drivers, report_sections.drivers),
    "churn_window": (
        "Is {horizon_days} days the right period to define churn?",
        texts.churn_window,
        report_sections.churn_window,
    ),
    "rfm_misses": ("What the RFM segments miss", texts.rfm_misses, report_sections.rfm_misses),
    "campaigns": ("Did the campaigns work?", campaign_texts.campaigns, report_sections.campaigns),
    "about": ("About this report", texts.about, report_sections.about),
}


def page(data: ReportData) -> str:
    """The whole report as HTML."""
    sections = [
        Section(
            f"{name}.html.j2",
            title.format(horizon_days=data.horizon_days),
            sentence(data),
            figures(data),
        )
        for name, (title, sentence, figures) in SECTIONS.items()
    ]
    template = environment().get_template("report.html.j2")
    return template.render(title=TITLE, data=data, sections=sections, style=style()) + "\n"


def style() -> Markup:
    """The style sheet. It is our own file, so it is not escaped."""
    file = resources.files(__package__).joinpath("templates", "report.css")
    return Markup(file.read_text(encoding="utf-8"))


@cache
def environment() -> Environment:
    """Jinja2 with the templates of this package and the number formats as filters."""
    jinja = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for number_format in (formats.whole, formats.fixed, formats.money, formats.percent):
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
