"""Links of a page as the site needs them.

The pages are read on the code host too. There a link may point to any file of the repository. On
the site, a link to a file that is no page becomes text with the path.
"""

from __future__ import annotations

import posixpath
import re

# Pages of the site that lie outside docs/, by their path in the repository and on the site.
OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/RESULTS.md")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def anchor(heading: str, separator: str = "-") -> str:
    """The anchor that the code host gives a heading.

    >>> anchor("gold.offers: 80 % (view)"), anchor("bronze.<source>")
    ('goldoffers-80--view', 'bronzesource')
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def with_links_of_site(markdown: str, page: str) -> str:
    """The page with links that work on the site.

    page: its path on the site, such as `own_data.md` or `benchmarks/RESULTS.md`.
    """
    of_repository = page if page in OUTSIDE else f"docs/{page}"

    def adapted(match: re.Match[str]) -> str:
        is_image, text, target, anchor = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(of_repository), target))
        on_site = site_path(path)
        if on_site is None:
            return f"`{path}`" if text.strip("`/") == path else f"{text} (`{path}`)"
        link = posixpath.relpath(on_site, posixpath.dirname(page) or ".")
        return f"{is_image}[{text}]({link}{anchor or ''})"

    return LINK.sub(adapted, markdown)


def site_path(path: str) -> str | None:
    """The path on the site of a file of the repository; None: it is not part of the site.

    >>> site_path("docs/own_data.md"), site_path("benchmarks/RESULTS.md"), site_path("notebooks")
    ('own_data.md', 'benchmarks/RESULTS.md', None)
    """
    if path in OUTSIDE:
        return path
    is_file = path.startswith("docs/") and posixpath.splitext(path)[1] not in ("", ".py")
    return path.removeprefix("docs/") if is_file else None
