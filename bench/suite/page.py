"""One page with all results: plots and tables, in itself, without anything from elsewhere."""

from html import escape

from suite import plots
from suite.table import COLUMNS, cells

STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --card: #ffffff; --ink: #1b1b19;
  --muted: #65645f; --rule: #e4e3de; --grid: #ecebe6; --s1: #2a78d6; --s2: #eb6834; --s3: #1baf7a;
  --s4: #4a3aa7; --s5: #eda100; --s6: #e87ba4; --s7: #008300; --s8: #8a897f; --worse: #d03b3b;
  --better: #008300; --noise: #a5a49b; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --card: #1f1f1d; --ink: #f1f0ec;
  --muted: #aaa9a1; --rule: #383835; --grid: #30302d; --s1: #4f97ec; --s2: #e07342; --s3: #20a97b;
  --s4: #9c92ee; --s5: #d29a1f; --s6: #e089a9; --s7: #3fa340; --s8: #8f8e84; --worse: #e66767;
  --better: #3fa340; --noise: #77766e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 28px 16px 60px; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 38px 0 2px; }
h3 { font-size: 14px; margin: 0 0 6px; font-weight: 600; }
p { margin: 4px 0 12px; color: var(--muted); max-width: 78ch; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 14px 16px; margin: 10px 0; overflow-x: auto; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 0 14px; }
svg { display: block; max-width: none; } svg text { font: 12px system-ui, sans-serif;
  fill: var(--ink); } svg .tick, svg .value { fill: var(--muted);
  font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); } .zero { stroke: var(--muted); stroke-width: 1.5; }
.curve { fill: none; stroke-width: 2; } .whisker { stroke-width: 2; opacity: .55; }
.dot { stroke: var(--card); stroke-width: 1.5; } .user { opacity: .5; }
text.beyond { font-weight: 600; }
.ink { stroke: var(--ink); stroke-width: 1; } rect.worse { fill: var(--worse); }
rect.better { fill: var(--better); } rect.noise { fill: var(--noise); }
.legend { margin: 2px 0 10px; } .key { margin-right: 16px; white-space: nowrap;
  color: var(--ink); font-size: 13px; } .key i { display: inline-block; width: 11px; height: 11px;
  border-radius: 3px; margin-right: 6px; }
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 8px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--rule); } th { color: var(--muted); font-weight: 500; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
td.why { text-align: left; color: var(--muted); white-space: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; font-size: 14px; }
dt { color: var(--muted); } dd { margin: 0; }
"""
STYLE += "".join(f"circle.s{n}, rect.s{n}, svg text.s{n} {{ fill: var(--s{n}); }} "
                 f"path.s{n}, line.s{n} {{ stroke: var(--s{n}); }} "
                 f"i.s{n} {{ background: var(--s{n}); }}\n" for n in range(1, 9))


def write_page(results, path):
    with open(path, "w", encoding="utf-8") as out:
        out.write(page(results))


def page(results):
    parts = ["<!doctype html><html lang=en><head><meta charset=utf-8>",
             '<meta name=viewport content="width=device-width, initial-scale=1">',
             f"<title>Myra bench</title><style>{STYLE}</style></head><body><h1>Myra bench</h1>",
             _about(results.about), _overview(results), _cpu(results), _entries(results),
             _throughput(results), _latency(results), _features(results),
             "<h2>All figures</h2>", *(_table(one) for one in results.scenarios), "</body></html>"]
    return "\n".join(part for part in parts if part)


def _about(about):
    shown = {"machine": f"{about.get('cpus')} x {about.get('cpu')}"
             + (" (virtual)" if about.get("virtual") else ""),
             "memory": about.get("memory"), "kernel": about.get("kernel"),
             "congestion control": about.get("congestion_control"),
             "started": about.get("started"),
             "rounds": f"{about.get('pairs')} of {about.get('milliseconds')} ms each"
             + (" (quick: a smoke test, not for conclusions)" if about.get("quick") else "")}
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>"
                   for key, value in shown.items())
    return f"<dl>{rows}</dl>"


def _section(title, words, body):
    return f"<h2>{title}</h2><p>{words}</p>{body}" if body else ""


def _card(picture, title=""):
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div class="card">{heading}{picture}</div>' if picture else ""


def _overview(results):
    drawn = plots.overview(results)
    body = plots.legend({"myra uring", "myra epoll"}) + _card(drawn) if drawn else ""
    return _section("At a glance", "The scenario's figure as a ratio to its base, median of the "
                    "rounds; the line goes from the least to the most. Left of 1 is less: better.",
                    body)


def _echo(results):
    return [one for one in results.scenarios
            if one.name.startswith(("echo", "churn", "datagrams", "ping-pong, same core"))]


def _grid(cards, scenarios):
    cards = [card for card in cards if card]
    if not cards:
        return ""
    key = plots.legend(plots.plain_subjects(scenarios))
    return f'{key}<div class="pair">{"".join(cards)}</div>'


def _cpu(results):
    chosen = _echo(results)
    cards = [_card(plots.cpu(one), f"{one.name}, ns") for one in chosen]
    body = f'<div class="pair">{"".join(cards)}</div>' if any(cards) else ""
    return _section("CPU per message", "Of the server, all its tasks; the paler part is user time, "
                    "which the kernel samples 100 times a second.", body)


def _entries(results):
    chosen = _echo(results)
    drawn = plots.entries(chosen)
    return _section("Kernel entries per message", "System calls of the server, counted by the "
                    "kernel in runs of their own. The scale is logarithmic.",
                    plots.legend(plots.plain_subjects(chosen)) + _card(drawn) if drawn else "")


def _throughput(results):
    echo = [one for one in results.scenarios if one.name.startswith("echo")
            and "depth" in one.parameters and not one.parameters.get("active")]
    cards = []
    for depth in sorted({one.parameters["depth"] for one in echo}):
        same = [one for one in echo if one.parameters["depth"] == depth]
        cards.append(_card(plots.throughput(same, depth), f"messages/s, {depth} under way on each"))
    return _section("Throughput against connections", "One server core, one load core. Where the "
                    "load is the limit the lines lie together: look at CPU per message then.",
                    _grid(cards, echo))


def _latency(results):
    chosen = [one for one in results.scenarios if one.name.startswith("open loop")]
    chosen += [one for one in results.scenarios if one.name.startswith("ping-pong")]
    cards = [_card(plots.latency(one), f"{one.name}, us") for one in chosen]
    return _section("Latency percentiles", "Open loops count from when a request was due "
                    "(coordinated omission corrected). The scale is logarithmic.",
                    _grid(cards, chosen))


def _features(results):
    chosen = [one for one in results.scenarios if one.name.startswith("features")]
    body = "".join(_card(plots.features(one), f"{one.name}: CPU per message, against {one.base}")
                   for one in chosen)
    return _section("Feature by feature", "One feature turned about at a time. To the right it "
                    "costs more CPU without its default; grey is noise: the rounds do not agree on "
                    "the direction. The thin line goes from the least to the most.", body)


def _table(scenario):
    rows = [cells(scenario, one) for one in scenario.subjects]
    keep = [0] + [column for column in range(1, len(COLUMNS)) if any(row[column] for row in rows)]
    head = "".join(f"<th>{COLUMNS[column]}</th>" for column in keep)
    body = []
    for one, row in zip(scenario.subjects, rows):
        if one.reason:
            body.append(f"<tr><td>{escape(one.name)}</td><td class=why colspan={len(keep)}>"
                        f"{'failed' if one.failed else 'not run'}: {escape(one.reason)}</td></tr>")
        else:
            body.append("<tr>" + "".join(f"<td>{escape(row[column])}</td>" for column in keep)
                        + "</tr>")
    return (f'<div class="card"><h3>{escape(scenario.name)}</h3><p>{escape(scenario.title)}; '
            f"{escape(scenario.figure)} in {escape(scenario.unit)}, ratios to "
            f"{escape(scenario.base)}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(body)}</tbody></table></div>")
