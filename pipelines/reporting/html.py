"""Pieces of HTML: tables, bars, pictures, and the page around them. Every text is escaped.

The page loads nothing: style and pictures stand in it, and its policy forbids the rest.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.reporting.phrases import plain

ACCENT, SOFT = "#c2410c", "#64748b"


@dataclass(frozen=True)
class Html:
    """Text that is HTML already."""

    text: str


Cell = str | Html


def escaped(cell: Cell) -> str:
    """A text as HTML; "12 %" does not break before its sign.

    >>> escaped("<b> 12 %")
    '&lt;b&gt; 12\\xa0%'
    """
    if isinstance(cell, Html):
        return cell.text
    return html.escape(plain(cell)).replace(" %", "\u00a0%")


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    texts: int | Sequence[int] = 1,
    caption: str = "",
    style: str = "",
) -> str:
    """A table. `texts`: how many first columns, or which, are text; the rest is right-aligned."""
    left = set(range(texts)) if isinstance(texts, int) else set(texts)

    def kind(place: int) -> str:
        return "" if place in left else ' class="n"'

    head = "".join(
        f'<th scope="col"{kind(i)}><span>{escaped(name)}</span></th>'
        for i, name in enumerate(heads)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td{kind(i)} data-label="{escaped(heads[i])}">{escaped(cell)}</td>'
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    said = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table class="{style}">{said}\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def bars(rows: Sequence[tuple[str, Sequence[tuple[str, float]]]], series: Sequence[str]) -> str:
    """A bar plot as inline SVG: a label with one bar a series below it, shares of 0 to 1.

    Widths are per cent of the page and letters have their own size, so a phone can read it.
    """
    colours = (SOFT, ACCENT)
    longest = max([v for _, values in rows for _, v in values] + [1e-9])
    line, gap = 16, 22
    parts, y = [], 0
    for name, values in rows:
        parts.append(f'<text x="0" y="{y + 13}" class="t">{escaped(name)}</text>')
        y += 18
        for place, (text, value) in enumerate(values):
            width = f"{80 * max(value, 0) / longest:.2f}%"
            parts.append(
                f'<rect x="0" y="{y}" width="{width}" height="12" rx="2" fill="{colours[place]}"/>'
                f'<text x="{width}" dx="6" y="{y + 10}" class="v">{escaped(text)}</text>'
            )
            y += line
        y += gap - line + 2
    legend = " ".join(
        f'<span><i style="background:{colours[i]}"></i>{escaped(name)}</span>'
        for i, name in enumerate(series)
    )
    label = escaped(" and ".join(series) + " by segment")
    return (
        f'<figure><figcaption class="legend">{legend}</figcaption>'
        f'<svg role="img" aria-label="{label}" width="100%" height="{y}">{"".join(parts)}</svg>'
        "</figure>"
    )


def meter(part: float | None) -> Html:
    """A thin bar for a share of 0 to 1, for a table's cell."""
    width = 100 * min(max(part or 0.0, 0.0), 1.0)
    return Html(
        '<svg class="meter" aria-hidden="true" width="90" height="10">'
        f'<rect width="100%" height="10" rx="2" fill="#eef1f4"/>'
        f'<rect width="{width:.1f}%" height="10" rx="2" fill="{ACCENT}"/></svg>'
    )


def shaded(text: str, part: float, down: int) -> Html:
    """A cell of a heat table: the larger the share, the stronger its colour.

    down: above 0 a move for the worse, below 0 one for the better.
    """
    rgb = "217,119,6" if down > 0 else "13,148,136" if down < 0 else "100,116,139"
    # Up to .65, so that dark letters can be read on all three.
    strength = 0.0 if text == "" else 0.08 + 0.57 * min(max(part, 0.0), 1.0)
    return Html(
        f'<span class="heat" style="background:rgba({rgb},{strength:.2f})">{escaped(text)}</span>'
    )


def picture(title: str, png: bytes) -> str:
    """A PNG within the page."""
    data = base64.b64encode(png).decode("ascii")
    return f'<figure><img alt="{escaped(title)}" src="data:image/png;base64,{data}"></figure>'


def section(number: int, title: str, sentence: str, *parts: str) -> str:
    """A numbered section: heading, the sentence that says what to see, then its pieces."""
    body = "\n".join(p for p in parts if p)
    return (
        f'<section id="s{number}">\n<h2><span>{number}</span> {escaped(title)}</h2>\n'
        f'<p class="lead">{escaped(sentence)}</p>\n{body}\n</section>'
    )


def note(text: str) -> str:
    """A small line on how to read what stands above it."""
    return f'<p class="note">{escaped(text)}</p>'


def document(title: str, subtitle: str, titles: Sequence[str], sections: Sequence[str]) -> str:
    """The whole page."""
    links = "\n".join(
        f'<li><a href="#s{i}">{escaped(name)}</a></li>' for i, name in enumerate(titles, 1)
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    body = "\n".join(sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escaped(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escaped(title)}</h1>
<p>{escaped(subtitle)}</p>
</header>
<nav aria-label="Sections"><ol>
{links}
</ol></nav>
<main>
{body}
</main>
</body>
</html>
"""


STYLE = """
:root { --ink: #1f2933; --soft: #5b6775; --line: #e3e8ee; --accent: #c2410c; --ground: #f7f8fa; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1.5rem 1.25rem 4rem; color: var(--ink);
  background: var(--ground); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; -webkit-print-color-adjust: exact;
  print-color-adjust: exact; }
header h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
header p { margin: .3rem 0 1rem; color: var(--soft); }
nav ol { columns: 3 15rem; margin: 0 0 1.5rem; padding: 0 0 0 1.3rem; font-size: .92rem; }
nav a, nav li { color: var(--accent); }
nav li { break-inside: avoid; padding: .1rem 0; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 1.1rem 1.25rem 1.3rem; margin: 0 0 1.1rem; }
h2 { margin: 0 0 .4rem; font-size: 1.25rem; line-height: 1.3; }
h2 span { color: var(--accent); margin-right: .2rem; }
h3 { margin: 1.3rem 0 .4rem; font-size: 1rem; }
.lead { margin: 0 0 1rem; max-width: 48rem; }
.note { margin: .5rem 0 0; color: var(--soft); font-size: .86rem; max-width: 48rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .7rem;
  margin: 0; }
.cards div { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem; }
.cards dt { color: var(--soft); font-size: .84rem; }
.cards dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.cards dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .8rem 0 .3rem; }
th, td { padding: .36rem .6rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { font-size: .8rem; color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; white-space: nowrap; }
th.n { white-space: normal; }
tr.sum td { font-weight: 600; }
.reasons { margin: 0; padding: 0; list-style: none; }
.reasons li { padding-left: .7rem; text-indent: -.7rem; }
.reasons li::before { content: "\\2013"; margin-right: .25rem; color: var(--soft); }
.first td:nth-child(3), .first th:nth-child(7) { white-space: nowrap; }
.first td:nth-child(8) { min-width: 17rem; }
.first td:nth-child(9) { min-width: 9rem; }
.level { display: inline-block; border-radius: 4px; padding: 0 .4rem; font-size: .78rem;
  font-weight: 600; background: #eef1f4; }
.level.a { background: #b91c1c; color: #fff; }
.level.b { background: #fed7aa; color: #7c2d12; }
.level.c { background: #fef3c7; color: #713f12; }
.wide { min-width: 40rem; }
.moves { font-size: .8rem; min-width: 52rem; }
.moves th.n { padding: 0 0 .4rem; text-align: center; vertical-align: bottom; }
.moves th.n span { display: inline-block; writing-mode: vertical-rl; transform: rotate(180deg);
  white-space: nowrap; line-height: 1; }
.moves td { padding: 1px; border: 0; white-space: nowrap; vertical-align: middle; }
.moves td:first-child { padding-right: .7rem; }
.heat { display: block; padding: .28rem .35rem; border-radius: 3px; min-width: 2.4rem;
  min-height: 1.8em; text-align: center; }
.meter { vertical-align: middle; }
.n small { font-size: .92em; color: var(--soft); white-space: nowrap; }
.plots { display: grid; gap: .8rem; margin-top: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(25rem, 100%), 1fr)); }
figure { margin: .6rem 0; }
img { max-width: 100%; height: auto; display: block; }
svg { display: block; overflow: visible; }
td svg { display: inline-block; }
svg .t { font-size: 13px; fill: var(--ink); }
svg .v { font-size: 11.5px; fill: var(--soft); }
.legend { font-size: .86rem; color: var(--soft); margin-bottom: .4rem; }
.legend span { margin-right: 1rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px;
  margin-right: .35rem; vertical-align: -1px; }
@media (max-width: 640px) {
  body { padding: 1rem .7rem 3rem; }
  section { padding: .9rem .7rem 1rem; }
  th, td { padding: .3rem .2rem; }
  table { font-size: .76rem; }
  th { font-size: .66rem; }
  .n small { display: block; font-size: .6rem; }
  .n { white-space: normal; }
  .wide { min-width: 0; }
  .meter { width: 36px; }
  .moves { min-width: 40rem; font-size: .72rem; }
  .moves td:first-child { position: sticky; left: 0; background: #fff; }
  .stack { font-size: .9rem; }
  .stack thead { display: none; }
  .first td:nth-child(8), .first td:nth-child(9) { min-width: 0; }
  .stack, .stack tbody, .stack tr, .stack td { display: block; width: 100%; }
  .stack tr { border-bottom: 2px solid var(--line); padding: .5rem 0; }
  .stack td, .stack td.n { border: 0; padding: .1rem 0 .1rem 8.2rem; text-align: left;
    white-space: normal; position: relative; min-height: 1.6rem; }
  .stack.first td:nth-child(1) { display: none; }
  .stack td::before { content: attr(data-label); position: absolute; left: 0; width: 7.8rem;
    color: var(--soft); font-size: .8rem; line-height: 1.75; }
}
@media print {
  body { background: #fff; max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  section { border: 0; padding: 0; margin: 0 0 1.2rem; }
  tr, figure, p, .cards div, table:not(.stack) { break-inside: avoid; }
  h2, h3, .lead, caption { break-after: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; }
  .moves { font-size: 7pt; min-width: 0; }
  .wide { min-width: 0; }
  .heat { min-width: 0; padding: .2rem; }
  @page { margin: 14mm; }
}
"""
