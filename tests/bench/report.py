"""What a run of the benchmark found, for people and as a dict for JSON."""
import statistics

from rows import BARE, MAIN

UNITS = {"rate": "/s", "cpu_ms": "CPU-ms", "kb": "KB"}


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def ratio(ours, theirs):
    """How many times better ours is, by key."""
    return {k: (ours[k] / theirs[k] if k == "rate" else theirs[k] / ours[k])
            for k in ours if ours[k] and theirs.get(k)}


def summary(bench):
    """measure -> {system: {rate, cpu_ms}, ratios: {peer: ...}}; the ratios
    are of the first system against each other."""
    out = {}
    first = bench.systems[0].name
    for title, by in bench.results.items():
        row = {}
        for name, rounds in by.items():
            row[name] = {k: median(rounds, k) for k in UNITS
                         if k in rounds[0]}
        if first in row:
            row["ratios"] = {name: ratio(row[first], row[name])
                             for name in by if name != first}
        out[title] = row
    return out


def where(bench):
    """The programs that the time of the main measure goes to. What ended on
    the way (the short-lived processes of the peers) is not in it."""
    for name, rounds in bench.results.get(MAIN, {}).items():
        ms = {}
        for r in rounds:
            for k, v in r["where"].items():
                ms[k] = ms.get(k, 0) + v / len(rounds)
        print("CPU-ms of %s, %s: %s" % (MAIN, name, ", ".join(
            "%s %.3f" % (k, v) for k, v in
            sorted(ms.items(), key=lambda kv: -kv[1]) if v >= 0.001)))


def bare(bench, out):
    """What accept is held against: no server can do with less."""
    for conns, rounds in bench.bare.items():
        rate = median(rounds, "rate")
        print("bare file work 4 KiB, %d processes: %.2f /s, %.2f CPU-ms each; "
              "accept is at %s" % (conns, rate, median(rounds, "cpu_ms"),
                                   ", ".join("%.2fx (%s)" % (
                                       v["rate"] / rate, k) for k, v in
                                       out.get(BARE[conns], {}).items()
                                       if k != "ratios")))


def cell(row, name, key):
    value = row.get(name, {}).get(key)
    if value is None:
        return "-"
    better = row.get("ratios", {}).get(name, {}).get(key)
    return "%.2f %s%s" % (value, UNITS[key], "" if better is None else
                          "  %.2fx" % better)


def table(bench, out):
    names = [s.name for s in bench.systems]
    print("\nMedian of %d rounds; behind a peer's figure how many times "
          "better that of %s is." % (bench.plan.rounds, names[0]))
    print("%-36s" % "" + "".join(" %22s" % n for n in names))
    for title, row in out.items():
        for key in UNITS:
            cells = [cell(row, n, key) for n in names]
            if any(c != "-" for c in cells):
                print("%-36s" % (title if key != "cpu_ms" else "") +
                      "".join(" %22s" % c for c in cells))
    for s in bench.systems:
        if s.note:
            print("%s %s" % (s.name, s.note))
    bare(bench, out)
    where(bench)
    for name, rows in bench.syncs.items():
        for r in rows:
            print("sync calls of %-16s %2d connections: %.2f a message %s" % (
                name, r["connections"], r["per_message"], r["calls"]))
    print("mailbox contents: %s" % ("as sent" if not bench.bad
                                    else "WRONG: %s" % bench.bad))


def alone(rows):
    """Rows of the build alone: (title, figure, unit, bound or None)."""
    for title, value, unit, bound in rows:
        print("%-48s %12.2f %-8s%s" % (title, value, unit, "" if bound is None
              else "bound %g: %s" % (bound, "kept" if value <= bound
                                     else "MISSED")))
