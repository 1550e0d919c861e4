"""Charts as SVG, made on the server: for PDF reports and for pages."""

from collections.abc import Sequence
from html import escape

PALETTE = ("#4f46e5", "#0891b2", "#d97706", "#9ca3af", "#16a34a", "#dc2626")
_WIDTH, _BAR, _ROW = 640, 14, 22
_LABEL = 230


def bar_chart(rows: Sequence[tuple[str, int]]) -> str:
    """Draw one horizontal bar for each (label, count), the longest as wide as there is room."""
    greatest = max((count for _, count in rows), default=0) or 1
    parts = [_svg(len(rows) * _ROW)]
    for number, (label, count) in enumerate(rows):
        top = number * _ROW
        width = round((_WIDTH - _LABEL - 50) * count / greatest)
        middle = top + _BAR - 2
        parts.append(_text(_LABEL - 8, middle, label, anchor="end"))
        parts.append(_rect(_LABEL, top, width, PALETTE[0]))
        parts.append(_text(_LABEL + width + 6, middle, str(count)))
    return "".join([*parts, "</svg>"])


def stacked_bar(parts_of_whole: Sequence[tuple[str, int]]) -> str:
    """Draw one bar cut into shares, with a legend below; empty shares are left out."""
    shares = [(label, count) for label, count in parts_of_whole if count]
    total = sum(count for _, count in shares) or 1
    drawn, left, legend_left = [_svg(_BAR + 26)], 0.0, 0.0
    for number, (label, count) in enumerate(shares):
        color = PALETTE[number % len(PALETTE)]
        width = _WIDTH * count / total
        drawn.append(_rect(left, 0, width, color))
        drawn.append(f'<rect x="{legend_left}" y="24" width="9" height="9" fill="{color}"/>')
        text = f"{label} {count}"
        drawn.append(_text(legend_left + 13, 33, text))
        left, legend_left = left + width, legend_left + 26 + 6.2 * len(text)
    return "".join([*drawn, "</svg>"])


def _svg(height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" '
        f'width="{_WIDTH}" height="{height:g}" font-family="Libertinus Serif, serif" '
        'font-size="12" fill="#1f2937">'
    )


def _rect(left: float, top: float, width: float, color: str) -> str:
    return f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{color}"/>'


def _text(left: float, base: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{left:.1f}" y="{base:g}" text-anchor="{anchor}">{escape(text)}</text>'
