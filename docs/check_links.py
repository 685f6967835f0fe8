"""Check the built pages: every link within the site leads somewhere, and nothing is fetched.

``python docs/check_links.py docs/_build/html`` prints what is wrong, and fails if anything is.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


def main():
    """Check the folder of the command line."""
    folder = Path(sys.argv[1]).resolve()
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: read(path) for path in paths}
    if not pages:
        sys.exit(f"There are no pages in {folder}: build them first.")
    wrong = [line for path in pages for line in complaints(path, pages, folder)]
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")
    if wrong:
        sys.exit("\n".join(wrong))


class Page(HTMLParser):
    """What a page links to, what it loads, and what may be linked to in it."""

    def __init__(self):
        super().__init__()
        self.links = []
        self.loaded = []
        self.anchors = {"", "top"}

    def handle_starttag(self, tag, attrs):
        """Collect from one tag."""
        attrs = dict(attrs)
        self.anchors.update(filter(None, [attrs.get("id"), attrs.get("name")]))
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        elif tag in ("script", "img", "iframe", "source") and attrs.get("src"):
            self.loaded.append(attrs["src"])
        elif tag == "link" and attrs.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(attrs["href"])


def read(path):
    """Parse a page."""
    page = Page()
    page.feed(path.read_text())
    return page


def complaints(path, pages, folder):
    """Return a line for each link of a page that leads nowhere, and each thing it would fetch."""
    page, name = pages[path], path.relative_to(folder)
    for url in page.loaded:
        if urlsplit(url).netloc:
            yield f"{name}: fetches {url}"
    for url in [*page.links, *page.loaded]:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists():
            yield f"{name}: {url} leads nowhere"
        elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"{name}: {url} names a place that is not there"


if __name__ == "__main__":
    main()
