"""Drawing in SVG: scales, axes, marks. Colours are those of the page's style sheet."""

import math
from html import escape


def tick_text(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


class Scale:
    """From a value to a place, linear or logarithmic; values outside are put at the edge."""

    def __init__(self, least, most, begin, end, logarithmic=False):
        self._log = logarithmic
        self._least, self._most = self._place(least), self._place(most)
        if self._most == self._least:
            self._most += 1
        self._begin, self._end = begin, end
        self.least, self.most = least, most

    def _place(self, value):
        return math.log10(value) if self._log else value

    def __call__(self, value):
        part = (self._place(max(value, self.least)) - self._least) / (self._most - self._least)
        return self._begin + min(max(part, 0.0), 1.0) * (self._end - self._begin)

    def ticks(self):
        return log_ticks(self.least, self.most) if self._log else even_ticks(self.least, self.most)


def even_ticks(least, most, wanted=5):
    """Multiples of 1, 2 or 5 times a power of ten."""
    if most <= least:
        return [least]
    raw = (most - least) / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = math.ceil(least / step - 1e-9)
    return [step * count for count in range(first, math.floor(most / step + 1e-9) + 1)]


def log_ticks(least, most):
    """Powers of ten, and 2 and 5 times them where there are few."""
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    factors = (1,) if high - low > 3 else (1, 2, 5)
    found = [factor * 10.0 ** power for power in range(low, high + 1) for factor in factors]
    return [tick for tick in found if least * 0.999 <= tick <= most * 1.001]


def log_bounds(values):
    """The powers of ten, or 2 and 5 times them, around positive values."""
    steps = [factor * 10.0 ** power for power in range(-6, 13) for factor in (1, 2, 5)]
    least = max(step for step in steps if step <= min(values))
    most = min(step for step in steps if step >= max(values))
    return least, most if most > least else least * 10


class Drawing:
    """Collects the elements of one picture; `title` is what a screen reader says."""

    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self._parts = []
        self._title = title

    def line(self, x1, y1, x2, y2, style, tip=""):
        self._parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                           f'class="{style}">{_tip(tip)}</line>')

    def path(self, points, style):
        joined = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._parts.append(f'<path d="M{joined}" class="{style}"/>')

    def dot(self, x, y, style, tip=""):
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="dot {style}">'
                           f"{_tip(tip)}</circle>")

    def beyond(self, x, y, style, words):
        """A mark at the edge of the scale for what lies outside, with its value."""
        self.text(x, y + 4, f"{words} \u25b8", f"beyond {style}", "end")

    def bar(self, x, y, width, height, style, tip=""):
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" '
                           f'height="{height:.1f}" class="{style}">{_tip(tip)}</rect>')

    def text(self, x, y, words, style="", anchor="start"):
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                           f'class="{style}">{escape(words)}</text>')

    def x_axis(self, scale, top, bottom, form=tick_text):
        for tick in scale.ticks():
            self.line(scale(tick), top, scale(tick), bottom, "grid")
            self.text(scale(tick), bottom + 16, form(tick), "tick", "middle")

    def y_axis(self, scale, left, right, form=tick_text):
        for tick in scale.ticks():
            self.line(left, scale(tick), right, scale(tick), "grid")
            self.text(left - 8, scale(tick) + 4, form(tick), "tick", "end")

    def __str__(self):
        return (f'<svg viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
                f'height="{self.height}" role="img" aria-label="{escape(self._title)}">'
                + "".join(self._parts) + "</svg>")


def _tip(words):
    return f"<title>{escape(words)}</title>" if words else ""
