"""Hooks of mkdocs: pages that lie outside docs/, and links to files that are no page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from docs.site_links import OUTSIDE, with_links_of_site

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Any, config: Any) -> Any:
    """Add the pages outside docs/."""
    for path in OUTSIDE:
        files.append(File.generated(config, path, content=(ROOT / path).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Adapt the links of a page."""
    return with_links_of_site(markdown, page.file.src_uri)
