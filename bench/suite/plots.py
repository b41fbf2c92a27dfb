"""The plots of the page, each from results to SVG; empty text where there is nothing to show."""

from suite.spread import summary
from suite.svg import Drawing, Scale, log_bounds
from suite.table import median, number, user_ns

# One colour for each subject, the same in all plots.
COLOURS = {"myra uring": "s1", "myra epoll": "s2", "raw uring": "s3", "raw epoll": "s4",
           "asio uring": "s5", "asio epoll": "s6", "libuv": "s7"}
PERCENTILES = (("p50_us", "50 %"), ("p90_us", "90 %"), ("p99_us", "99 %"), ("p999_us", "99.9 %"),
               ("p9999_us", "99.99 %"))


def colour(name):
    """Those with other features have the colour of what they are without."""
    for known, style in COLOURS.items():
        if name.startswith(known):
            return style
    return "s8"


def legend(names):
    marks = "".join(f'<span class="key"><i class="{colour(name)}"></i>{name}</span>'
                    for name in COLOURS if name in names)
    return f'<p class="legend">{marks}</p>'


def plain_subjects(scenarios):
    return {one.name for scenario in scenarios for one in scenario.subjects if one.runs}


def overview(results):
    """The ratio to the base of every scenario, Myra's with and without features of its own."""
    rows = []
    for scenario in results.scenarios:
        if scenario.name.startswith(("features", "waiting", "clients", "idle")):
            continue
        found = [(one, summary(ratios)) for one in scenario.subjects
                 if one.name.startswith("myra") and (ratios := scenario.ratios(one))]
        if found:
            rows.append((scenario, found))
    if not rows:
        return ""
    left, right, top, step = 190, 800, 8, 30
    bottom = top + step * len(rows)
    medians = [ratio.median for _, found in rows for _, ratio in found]
    scale = Scale(max(min(0.8, *medians), 0.4), min(max(1.2, *medians), 1.6), left, right)
    picture = Drawing(910, bottom + 26, "Ratios to the base of each scenario")
    picture.x_axis(scale, top, bottom)
    picture.line(scale(1), top, scale(1), bottom, "zero")
    for index, (scenario, found) in enumerate(rows):
        y = top + step * index + step / 2
        picture.text(left - 12, y + 4, scenario.name, "name", "end")
        picture.text(right + 8, y + 4, f"/ {scenario.base}", "tick")
        for place, (one, ratio) in enumerate(found):
            at = y + 5.0 * (place - (len(found) - 1) / 2)
            style = colour(one.name)
            is_beyond = ratio.median > scale.most
            end = min(scale(ratio.most), right - 96) if is_beyond else scale(ratio.most)
            picture.line(min(scale(ratio.least), end), at, end, at, f"whisker {style}")
            if is_beyond:
                picture.beyond(right - 4 - 46 * place, y, style, f"{ratio.median:.2f}")
                continue
            picture.dot(scale(ratio.median), at, style,
                        f"{one.name}: {ratio.median:.3f} ({ratio.least:.3f} - {ratio.most:.3f}) "
                        f"of {scenario.base}, {scenario.figure}")
    return str(picture)


def latency(scenario):
    """Percentiles of latency, a line for each subject."""
    lines = [(one, [median(one, figure) for figure, _ in PERCENTILES])
             for one in scenario.subjects if one.runs and median(one, "p50_us")]
    if not lines:
        return ""
    values = [value for _, line in lines for value in line if value]
    left, right, top, bottom = 62, 400, 12, 230
    y = Scale(*log_bounds(values), bottom, top, logarithmic=True)
    x = Scale(0, len(PERCENTILES) - 1, left + 16, right - 16)
    picture = Drawing(420, 262, f"Latency percentiles: {scenario.name}")
    picture.y_axis(y, left, right)
    for index, (_, name) in enumerate(PERCENTILES):
        picture.text(x(index), bottom + 18, name, "tick", "middle")
    for one, line in lines:
        points = [(x(index), y(value)) for index, value in enumerate(line)]
        picture.path(points, f"curve {colour(one.name)}")
        for (px, py), value, (_, name) in zip(points, line, PERCENTILES):
            picture.dot(px, py, colour(one.name), f"{one.name}, {name}: {number(value)} us")
    return str(picture)


def throughput(scenarios, depth):
    """Messages a second against connections, all of which send."""
    found = {}
    for scenario in scenarios:
        for one in scenario.subjects:
            if value := median(one, "messages_per_second"):
                found.setdefault(one.name, []).append((scenario.parameters["connections"], value))
    if not found:
        return ""
    counts = sorted({count for points in found.values() for count, _ in points})
    left, right, top, bottom = 78, 400, 12, 230
    x = Scale(counts[0], max(counts[-1], counts[0] * 10), left + 16, right - 16, logarithmic=True)
    y = Scale(*log_bounds([value for points in found.values() for _, value in points]), bottom, top,
              logarithmic=True)
    picture = Drawing(420, 262, f"Messages a second against connections, depth {depth}")
    picture.y_axis(y, left, right, lambda value: f"{value:,.0f}")
    for count in counts:
        picture.text(x(count), bottom + 18, f"{count:,}", "tick", "middle")
    for name, points in found.items():
        placed = [(x(count), y(value)) for count, value in points]
        picture.path(placed, f"curve {colour(name)}")
        for (px, py), (count, value) in zip(placed, points):
            picture.dot(px, py, colour(name), f"{name}, {count:,} connections: {value:,.0f}/s")
    return str(picture)


def cpu(scenario):
    """CPU per message as bars, user and system."""
    rows = [one for one in scenario.subjects if one.runs and median(one, "cpu_ns")]
    if not rows:
        return ""
    left, right, top, step = 150, 404, 6, 26
    bottom = top + step * len(rows)
    scale = Scale(0, max(median(one, "cpu_ns") for one in rows), left, right - 46)
    picture = Drawing(420, bottom + 24, f"CPU per message: {scenario.name}")
    picture.x_axis(scale, top, bottom)
    for index, one in enumerate(rows):
        y = top + step * index + 5
        total, user = median(one, "cpu_ns"), user_ns(one)
        style = colour(one.name)
        tip = f"{one.name}: {number(total)} ns, of which user {number(user)}"
        picture.text(left - 10, y + 12, one.name, "name", "end")
        picture.bar(left, y, scale(user) - left, step - 10, f"{style} user", tip)
        picture.bar(scale(user) + 2, y, scale(total) - scale(user) - 2, step - 10, style, tip)
        picture.text(scale(total) + 7, y + 12, number(total), "value")
    return str(picture)


def entries(scenarios):
    """Kernel entries per message: a row for each scenario, a dot for each subject."""
    rows = [(scenario, [(one, value) for one in scenario.subjects
                        if one.name in COLOURS and (value := median(one, "entries"))])
            for scenario in scenarios]
    rows = [(scenario, found) for scenario, found in rows if found]
    if not rows:
        return ""
    left, right, top, step = 190, 870, 8, 36
    bottom = top + step * len(rows)
    scale = Scale(*log_bounds([value for _, found in rows for _, value in found]), left, right,
                  logarithmic=True)
    picture = Drawing(910, bottom + 26, "Kernel entries per message")
    picture.x_axis(scale, top, bottom)
    for index, (scenario, found) in enumerate(rows):
        y = top + step * index + step / 2
        picture.text(left - 12, y + 4, scenario.name, "name", "end")
        picture.line(left - 150, y + step / 2, right, y + step / 2, "grid")
        for place, (one, value) in enumerate(found):
            picture.dot(scale(value), y + 4.0 * (place - (len(found) - 1) / 2), colour(one.name),
                        f"{one.name}: {number(value)}")
    return str(picture)


def features(scenario):
    """What turning each feature about does to the figure, in per cent, the dearest first."""
    rows = [(one, summary([100 * (ratio - 1) for ratio in ratios]))
            for one in scenario.subjects if (ratios := scenario.ratios(one))]
    if not rows:
        return ""
    rows.sort(key=lambda row: row[1].median, reverse=True)
    left, right, top, step = 210, 800, 8, 26
    bottom = top + step * len(rows)
    scale = Scale(min(-5.0, *(found.least for _, found in rows)),
                  max(5.0, *(found.most for _, found in rows)), left, right)
    picture = Drawing(910, bottom + 26, f"Features: {scenario.name}")
    picture.x_axis(scale, top, bottom, lambda value: f"{value:+.0f} %")
    for index, (one, found) in enumerate(rows):
        y = top + step * index
        begin, end = sorted((scale(0), scale(found.median)))
        label = one.name.removeprefix(scenario.base).strip()
        is_noise = found.least <= 0 <= found.most
        picture.text(left - 12, y + 17, label, "name", "end")
        style = "noise" if is_noise else ("worse" if found.median > 0 else "better")
        tip = f"{label}: {found.median:+.1f} % ({found.least:+.1f} to {found.most:+.1f})"
        picture.bar(begin, y + 5, end - begin, step - 10, style, tip)
        picture.line(scale(found.least), y + 13, scale(found.most), y + 13, "whisker ink", tip)
        picture.text(right + 8, y + 17, f"{found.median:+.1f} %", "value")
    picture.line(scale(0), top, scale(0), bottom, "zero")
    return str(picture)
