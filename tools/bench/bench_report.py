#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The report of bench and bench-host: what samples say, as tables and plots.

usage: bench_report.py JSON DIR     writes DIR/KIND.json and DIR/KIND.html, where
                                    KIND is bench or bench-host
       bench_report.py --rst JSON   prints tables for the documentation

A figure of a configuration is the mean of its rounds. Noise is how far apart
any two rounds of the same thing, stock and stock-again, lay. A difference from
stock that is not larger than noise means nothing, and is shown so.
"""
import html
import io
import json
import os
import statistics
import sys

from bench_text import LOCAL, kind_of

BASE, AGAIN = "stock", "stock-again"
FUNCTIONS = 14


# ---- figures ----

def entries_of(data, scenario, cpus, config):
    return [entry for entry in data["samples"]
            if (entry["scenario"], entry["cpus"], entry["config"]) ==
            (scenario, cpus, config)]


def values(data, scenario, cpus, config, figure):
    return [entry["figures"][figure]
            for entry in entries_of(data, scenario, cpus, config)
            if figure in entry["figures"]]


def noise_of(data, scenario, cpus, figure):
    """None when the same thing was not measured twice."""
    found = [value for config in (BASE, AGAIN) if config in data["configs"]
             for value in values(data, scenario, cpus, config, figure)]
    return max(found) - min(found) if len(found) > 1 else None


def summary_of(found, base, noise):
    mean = statistics.mean(found)
    entry = {"mean": mean, "min": min(found), "max": max(found),
             "rounds": len(found)}
    if base is not None:
        entry["difference"] = mean - base
        entry["beyond_noise"] = noise is not None and abs(mean - base) > noise
    return entry


def add_local(data):
    """That share is a figure like the others, where connections are short."""
    for entry in data["samples"]:
        if entry["accepts"] >= entry["ops"]:
            share = 100 * entry["local"] / entry["accepts"]
            entry["figures"][LOCAL] = share
        else:
            entry["figures"][LOCAL] = 0
    data["figures"][LOCAL] = "of the connections, with those to warm up"


def summarize(data):
    """[{scenario, cpus, figure, noise, configs: {name: ...}}]"""
    result = []
    for scenario in data["scenarios"]:
        for cpus in data["facts"]["cpus"]:
            for figure in data["figures"]:
                found = {config: values(data, scenario, cpus, config, figure)
                         for config in data["configs"]}
                found = {config: row for config, row in found.items() if row}
                if not any(any(row) for row in found.values()):
                    continue
                base = statistics.mean(found[BASE]) if BASE in found else None
                noise = noise_of(data, scenario, cpus, figure)
                result.append({
                    "scenario": scenario, "cpus": cpus, "figure": figure,
                    "noise": noise,
                    "configs": {config: summary_of(row, base, noise)
                                for config, row in found.items()}})
    return result


def rows_of(data, scenario, cpus):
    return [row for row in data["summary"]
            if (row["scenario"], row["cpus"]) == (scenario, cpus)]


# ---- text ----

def form(value):
    """Three digits at least, and no more than are worth it."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.095 else f"{value:.3f}"


def percent(entry, row):
    """The difference from stock; a share is not compared as a cost is."""
    if row["figure"].startswith("% "):
        return ""
    base = row["configs"].get(BASE, {}).get("mean")
    if not base or "difference" not in entry or entry is row["configs"][BASE]:
        return ""
    return f"{100 * entry['difference'] / base:+.1f}%"


def text_cell(entry, row):
    """A difference within noise is in parentheses."""
    share = percent(entry, row)
    if share and not entry["beyond_noise"]:
        share = f"({share})"
    return f"{form(entry['mean'])} {share}".strip()


def text_rows(data, scenario, cpus, wanted=None):
    configs = list(data["configs"])
    yield ["", *configs, "noise"]
    for row in rows_of(data, scenario, cpus):
        if wanted and row["figure"] not in wanted:
            continue
        noise = "?" if row["noise"] is None else form(row["noise"])
        yield [row["figure"],
               *(text_cell(row["configs"][config], row)
                 if config in row["configs"] else "-" for config in configs),
               noise]


def aligned(rows, between="  "):
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield between.join([row[0].ljust(widths[0]),
                            *(cell.rjust(width) for cell, width in
                              zip(row[1:], widths[1:]))]).rstrip()


def parts(data):
    for scenario in data["scenarios"]:
        for cpus in data["facts"]["cpus"]:
            if rows_of(data, scenario, cpus):
                yield scenario, cpus


def heading(data, scenario, cpus):
    entry = data["scenarios"][scenario]
    return (f"{scenario}, {cpus} CPU{'s' if cpus > 1 else ''}:"
            f" {entry['title']}; of a {entry['unit']}")


def print_tables(data):
    for scenario, cpus in parts(data):
        print(f"\n{heading(data, scenario, cpus)}")
        for line in aligned(text_rows(data, scenario, cpus,
                                      kind_of(data)["short"])):
            print(f"  {line}")
    print("\n(x%) is a difference within noise.")
    for what, text in kind_of(data)["setting"](data):
        print(f"{what}: {text}")


def rst_table(rows):
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows)]
    rule = "  ".join("=" * width for width in widths)
    rows[0][0] = "\\".ljust(2) if not rows[0][0] else rows[0][0]
    body = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths))
            .rstrip() for row in rows]
    return [rule, body[0], rule, *body[1:], rule]


def print_rst(data):
    for what, text in kind_of(data)["setting"](data):
        print(f"| {what}: {text}")
    for scenario, cpus in parts(data):
        title = heading(data, scenario, cpus)
        print(f"\n{title}\n")
        print("\n".join(rst_table(text_rows(data, scenario, cpus,
                                            kind_of(data)["short"]))))


# ---- plots ----

pyplot = None	# who wants none need not have it, nor wait for it


def load_pyplot():
    """To be called first, by who wants to know at once that it is missing."""
    global pyplot	# pylint: disable=global-statement
    try:
        import matplotlib
    except ModuleNotFoundError:
        sys.exit("python3-matplotlib is not installed (apt-get install it)")
    matplotlib.use("svg")
    from matplotlib import pyplot as found
    pyplot = found


def svg_of(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight",
                   metadata={"Date": None})
    pyplot.close(figure)
    return text.getvalue()[text.getvalue().index("<svg"):]


def colours(data):
    palette = pyplot.get_cmap("tab10")
    return {config: "0.7" if config == AGAIN else palette(index)
            for index, config in enumerate(data["configs"])}


def plot_against_cpus(axes, data, scenario, figure):
    paint = colours(data)
    for config in data["configs"]:
        points = []
        for cpus in data["facts"]["cpus"]:
            found = values(data, scenario, cpus, config, figure)
            if found:
                points.append((cpus, statistics.mean(found), min(found),
                               max(found)))
        if not points:
            continue
        at, mean, low, high = zip(*points)
        bars = [[m - l for m, l in zip(mean, low)],
                [h - m for m, h in zip(mean, high)]]
        axes.errorbar(at, mean, yerr=bars, label=config, color=paint[config],
                      marker="o", capsize=3)
    axes.set_xscale("log", base=2)
    axes.set_xticks(data["facts"]["cpus"], map(str, data["facts"]["cpus"]))


def plot_bars(axes, data, scenario, figure):
    cpus, paint = data["facts"]["cpus"][0], colours(data)
    for at, config in enumerate(data["configs"]):
        found = values(data, scenario, cpus, config, figure)
        if found:
            mean = statistics.mean(found)
            axes.bar(at, mean, color=paint[config],
                     yerr=[[mean - min(found)], [max(found) - mean]], capsize=3)
    axes.set_xticks(range(len(data["configs"])), data["configs"], rotation=45,
                    ha="right")


def grid_of(names):
    """A picture, and [(axes, name)]"""
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    picture, grid = pyplot.subplots(lines, columns, squeeze=False,
                                    figsize=(3.6 * columns, 3.1 * lines))
    for axes in grid.flat[len(names):]:
        axes.axis("off")
    for axes, name in zip(grid.flat, names):
        axes.set_title(name, fontsize=10)
        axes.grid(axis="y", alpha=0.3)
    return picture, list(zip(grid.flat, names))


def plot_figure(data, figure):
    """A plot of each scenario: against CPUs, or bars if there is one number."""
    names = [name for name in data["scenarios"]
             if any((row["scenario"], row["figure"]) == (name, figure)
                    for row in data["summary"])]
    if not names:
        return ""
    picture, grid = grid_of(names)
    several = len(data["facts"]["cpus"]) > 1
    for axes, name in grid:
        (plot_against_cpus if several else plot_bars)(axes, data, name, figure)
        axes.set_ylim(bottom=0)
    if several:
        grid[0][0].legend(fontsize=7)
        picture.supxlabel("CPUs of the server", fontsize=9)
    picture.tight_layout()
    return svg_of(picture)


def plot_latency(axes, data, scenario, cpus):
    """Mean of the rounds at each percentile, from the least to the most."""
    paint = colours(data)
    for config in data["configs"]:
        rounds = [dict(entry["latency"])
                  for entry in entries_of(data, scenario, cpus, config)
                  if entry.get("latency")]
        if not rounds:
            continue
        at = sorted(set.intersection(*map(set, rounds)))
        rows = [[found[share] for found in rounds] for share in at]
        beyond = [1 - share / 100 for share in at]
        axes.plot(beyond, [statistics.mean(row) for row in rows],
                  label=config, color=paint[config])
        axes.fill_between(beyond, [min(row) for row in rows],
                          [max(row) for row in rows], alpha=0.15,
                          color=paint[config])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_xaxis()


def plot_latencies(data):
    cpus = max(data["facts"]["cpus"])
    names = [name for name in data["scenarios"]
             if any(entry["scenario"] == name and entry.get("latency")
                    for entry in data["samples"])]
    if not names:
        return ""
    picture, grid = grid_of(names)
    for axes, name in grid:
        plot_latency(axes, data, name, cpus)
    grid[0][0].legend(fontsize=7)
    picture.supxlabel("share of operations that took longer", fontsize=9)
    picture.supylabel("us", fontsize=9)
    picture.tight_layout()
    return svg_of(picture)


def mean_by_function(data, scenario, cpus, config, key):
    """Of the rounds; a function that is not among a round's first counts 0."""
    entries = [entry for entry in entries_of(data, scenario, cpus, config)
               if key in entry]
    sums = {}
    for entry in entries:
        for name, count in entry[key]:
            sums[name] = sums.get(name, 0) + count / len(entries)
    return sums


def plot_functions(data, scenario, cpus, key):
    """The costliest functions of stock and of the last configuration."""
    ours = [config for config in data["configs"] if config != AGAIN][-1]
    configs = list(dict.fromkeys([next(iter(data["configs"])), ours]))
    found = {config: mean_by_function(data, scenario, cpus, config, key)
             for config in configs}
    names = sorted({name for row in found.values() for name in row},
                   key=lambda name: -max(row.get(name, 0)
                                         for row in found.values()))[:FUNCTIONS]
    if not names:
        return ""
    picture, axes = pyplot.subplots(figsize=(7, 0.34 * len(names) + 0.8))
    height, paint = 0.8 / len(configs), colours(data)
    for index, config in enumerate(configs):
        axes.barh([at + index * height for at in range(len(names))],
                  [found[config].get(name, 0) for name in names], height,
                  label=config, color=paint[config])
    axes.set_yticks([at + (len(configs) - 1) * height / 2
                     for at in range(len(names))], names, fontsize=8)
    axes.invert_yaxis()
    axes.legend(fontsize=8)
    axes.set_title(f"{kind_of(data)['functions'][key]} by function, {scenario},"
                   f" {cpus} CPU{'s' if cpus > 1 else ''}, per operation",
                   fontsize=10)
    return svg_of(picture)


# ---- HTML ----

STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 75em; margin: 2em auto;
 padding: 0 1em; color: #222 }
table { border-collapse: collapse; font-size: 13px; margin: .6em 0 1.6em }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd;
 white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal }
small { color: #777 } .good { color: #176d2c } .bad { color: #b3261e }
.same { color: #888 } svg { max-width: 100%; height: auto }
"""


def cell(entry, row, more):
    """more: more of this figure is better"""
    if entry is None:
        return "<td>-</td>"
    share, kind = percent(entry, row), "same"
    if share and entry["beyond_noise"]:
        kind = "good" if (entry["difference"] > 0) == more else "bad"
    ends = f"{form(entry['min'])} .. {form(entry['max'])}"
    return (f'<td title="{ends}">{form(entry["mean"])}'
            + (f' <span class="{kind}">{html.escape(share)}</span>'
               if share else "") + f"<br><small>{ends}</small></td>")


def table(data, scenario, cpus):
    configs = list(data["configs"])
    head = "".join(f"<th>{html.escape(config)}</th>" for config in configs)
    lines = [f"<table><tr><th></th>{head}<th>noise</th></tr>"]
    for row in rows_of(data, scenario, cpus):
        noise = "?" if row["noise"] is None else form(row["noise"])
        more = row["figure"] in kind_of(data)["more"]
        cells = "".join(cell(row["configs"].get(config), row, more)
                        for config in configs)
        what = html.escape(row["figure"])
        why = html.escape(data["figures"][row["figure"]])
        lines.append(f'<tr><td title="{why}">{what}</td>{cells}'
                     f"<td>{noise}</td></tr>")
    return "\n".join(lines + ["</table>"])


def definitions(entries):
    return "<table>" + "".join(
        f'<tr><td>{html.escape(name)}</td><td style="text-align:left;'
        f'white-space:normal">{html.escape(text)}</td></tr>'
        for name, text in entries) + "</table>"


def page(data):
    kind = kind_of(data)
    titles = {name: entry["title"] for name, entry in data["configs"].items()}
    out = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
           f"<title>{kind['title']}</title>",
           f"<style>{STYLE}</style></head><body>",
           f"<h1>{kind['title']}</h1>", kind["introduction"],
           definitions(kind["setting"](data)),
           "<h2>Configurations</h2>", definitions(titles.items())]
    pictures = [(f"{figure[0].upper()}{figure[1:]}", plot_figure(data, figure))
                for figure in kind["plots"]]
    pictures.insert(2, ("Latency", plot_latencies(data)))
    for title, picture in pictures:
        if picture:
            out += [f"<h2>{html.escape(title)}</h2>", picture]
    for scenario, cpus in parts(data):
        out += [f"<h2>{html.escape(heading(data, scenario, cpus))}</h2>",
                table(data, scenario, cpus)]
        if cpus == max(data["facts"]["cpus"]):
            out += [plot_functions(data, scenario, cpus, key)
                    for key in kind["functions"]]
    out += ["<h2>Figures</h2>", definitions(data["figures"].items()),
            "</body></html>", ""]
    return "\n".join(out)


def write(data, directory, with_page=True):
    """Both files, and the short tables on the terminal."""
    name = data.get("kind", "bench")
    if name == "bench":
        add_local(data)
    data["summary"] = summarize(data)
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/{name}.json", "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    if with_page:
        load_pyplot()
        with open(f"{directory}/{name}.html", "w", encoding="utf-8") as file:
            file.write(page(data))
    print_tables(data)
    print(f"report: {os.path.relpath(directory)}/{name}.json"
          f"{f', {name}.html' if with_page else ''}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path = sys.argv[2 if sys.argv[1] == "--rst" else 1]
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    if sys.argv[1] == "--rst":
        print_rst(data)
    else:
        write(data, sys.argv[2])


if __name__ == "__main__":
    main()
