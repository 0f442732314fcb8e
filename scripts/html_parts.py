"""What the HTML pages are put together from: tables, tiles, pictures, and a template with the common style inside."""
from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from string import Template
from typing import Any, Iterable

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent


def table(headings: list[str], rows: Iterable[Iterable[Any]], text_columns: int = 1, last_is_total: bool = False) -> str:
    """text_columns: columns from the left that hold words; the others are numbers and align right."""

    def cells(tag: str, values: Iterable[Any]) -> str:
        return "".join(f'<{tag}{"" if index < text_columns else " class=n"}>{html.escape(str(value))}</{tag}>'
                       for index, value in enumerate(values))

    lines = [cells("td", row) for row in rows]
    ends = [""] * (len(lines) - 1) + [" class=total" if last_is_total else ""]
    body = "\n".join(f"<tr{end}>{line}</tr>" for end, line in zip(ends, lines))
    return f'<div class=scroll><table><thead><tr>{cells("th", headings)}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def folded(content: str, summary: str) -> str:
    """Content that shows when its summary is clicked."""
    return f"<details><summary>{html.escape(summary)}</summary>\n{content}</details>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """The tiles at the top: value and what it is."""
    return "".join(f"<div><strong>{html.escape(value)}</strong><span>{html.escape(name)}</span></div>" for value, name in pairs)


def png(pixels: Any) -> str:
    """Bytes [H, W] or [H, W, 3] as a PNG in base64."""
    picture = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(picture, format="PNG")
    return base64.b64encode(picture.getvalue()).decode()


def figure(name: str, data: str, caption: str, kind: str = "") -> str:
    """name: shown where pictures are not. data: PNG in base64. caption: HTML. kind: class of the style."""
    opening = f"<figure class={kind}>" if kind else "<figure>"
    image = f'<img alt="{html.escape(name)}" src="data:image/png;base64,{data}">'
    return f"{opening}{image}<figcaption>{caption}</figcaption></figure>"


def sentences(lines: Iterable[str]) -> str:
    """A list of remarks, or nothing."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def page(template: str, title: str, **parts: str) -> str:
    """A template of this folder with its parts filled in, in the frame that all pages share; everything is inside the page."""
    frame, body, style = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page_frame.html", template, "page_style.css"))
    return Template(frame).substitute(title=title, style=style, body=Template(body).substitute(parts))
