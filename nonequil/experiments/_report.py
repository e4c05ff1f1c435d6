"""One self-contained page."""

import base64
import html
import itertools
from collections.abc import Iterable
from pathlib import Path

STYLE = Path(__file__).with_name("report.css")


def page(title: str, parts: Iterable[str]) -> str:
    """A whole HTML page that needs nothing from outside."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{html.escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` "soft" or "flag" changes its look."""
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def cards(pairs: Iterable[tuple[str, str]]) -> str:
    """Large numbers, each with what it is."""
    inside = "".join(f'<div class="card"><b>{html.escape(v)}</b><span>{html.escape(t)}</span></div>' for v, t in pairs)
    return f'<div class="cards">{inside}</div>'


def table(header: Iterable[str], rows: Iterable[Iterable[str]], text_from: int | None = None) -> str:
    """A table; columns from `text_from` on hold running text."""
    head = _cells(header, text_from, "th")
    body = "".join(f"<tr>{_cells(row, text_from, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(row: Iterable[str], text_from: int | None, tag: str) -> str:
    kinds = (" class=text" if text_from is not None and k >= text_from else "" for k in itertools.count())
    return "".join(f"<{tag}{kind}>{html.escape(cell)}</{tag}>" for cell, kind in zip(row, kinds, strict=False))


def image(path: Path, caption: str) -> str:
    """A PNG file inlined, with its caption."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    picture = f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>"


def preformatted(text: str) -> str:
    """Text as it is."""
    return f"<pre>{html.escape(text)}</pre>"
