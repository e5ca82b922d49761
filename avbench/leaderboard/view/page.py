"""The frame that every page shares, and how foreign text gets into it."""

from __future__ import annotations

import html

from avbench.errors import printable

GENERATOR = "avbench view"
# Nothing is ever fetched and no script in a page itself runs: what a report says cannot act, even if an escape were forgotten.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:; media-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)


def escape(text: object) -> str:
    """Text for an element or a quoted attribute."""
    return html.escape(str(text).encode("utf-8", "backslashreplace").decode())


def name(text: str) -> str:
    """A clip's id or a model's name: the same, with line breaks and other control characters made visible."""
    return escape(printable(text))


def region(label: str, inner: str, attributes: str = "") -> str:
    """A part that may be wider than the page: it scrolls by itself, with the keyboard as well. ``label`` is plain text."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}"{attributes}>{inner}</div>'


def page(title: str, body: str, *, root: str = "", home: str = "") -> str:
    """A whole document.

    Args:
        title: plain text.
        body: HTML of the main element.
        root: the way from the page to the folder of ``view.css`` and ``view.js``, with a slash at its end.
        home: link to the index; empty on the index itself.
    """
    back = f'<a href="{escape(home)}">← leaderboard</a>' if home else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="{GENERATOR}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{name(title)}</title>
<link rel="icon" href="{escape(root)}icon.svg">
<link rel="stylesheet" href="{escape(root)}view.css">
<script src="{escape(root)}view.js"></script>
</head>
<body>
<header class="top">
<a class="skip" href="#main">skip to content</a>
<nav aria-label="Pages">{back}</nav>
<label class="scripted">theme <select id="theme">
<option value="">system</option><option value="light">light</option><option value="dark">dark</option></select></label>
</header>
<main id="main">
{body}
</main>
</body>
</html>
"""
