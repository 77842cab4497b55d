#!/usr/bin/env python3
"""Tables and gates of ci/coverage, from what `llvm-cov export` says.

A function in a header has an instance in each file that includes it: a branch counts as taken if
any instance took it. What cannot be reached is left out, and only this:
- the default that a switch over all values of an enumeration does not have;
- conditions that a PS_CANARY() decides (it is the constant 0 in this build), and what they guard;
- what a comment that begins with "unreachable:" stands on or directly before, with the block that
  such a line opens. The gates hold the number of these comments; one that excuses nothing is an
  error, so that none outlives its reason.
"""
import argparse
import json
import re
import sys
from collections import defaultdict

MARK = "/* unreachable:"
BRANCH_FALSE, BRANCH_TRUE = 5, 4


class Source:
    """The lines of a file, and which of them this build cannot reach."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as text:
            self.lines = text.read().split("\n")
        self.canary = set()
        self.directives = set()
        self.marks = {}  # line -> the line of its mark
        self.used = set()
        for number, line in enumerate(self.lines, 1):
            if line.startswith("#") or (
                number - 1 in self.directives and self.lines[number - 2].endswith("\\")
            ):
                self.directives.add(number)
            if re.match(r"\s*(} else )?if \(PS_CANARY\(", line):
                self.canary.update(self.block(number))
            if MARK in line:
                for reached in self.marked(number):
                    self.marks[reached] = number

    def block(self, number):
        """The lines of the statement that begins at a line, as clang-format sets it."""
        indent = len(self.lines[number - 1]) - len(self.lines[number - 1].lstrip())
        end = number
        while not self.lines[end - 1].rstrip().endswith(("{", ";")):
            end += 1
        if self.lines[end - 1].rstrip().endswith("{"):
            closing = re.compile(" " * indent + "}")
            while not closing.match(self.lines[end - 1]):
                end += 1
            if self.lines[end - 1].strip() != "}":  # An else, which can be reached.
                end -= 1
        return range(number, end + 1)

    def marked(self, number):
        """The lines that a mark excuses: its own, or the statement after it."""
        if not self.lines[number - 1].lstrip().startswith(MARK):
            return [number]
        while "*/" not in self.lines[number - 1]:
            number += 1
        return self.block(number + 1)

    def text(self, span):
        first, column, last, end = span
        if first == last:
            return self.lines[first - 1][column - 1 : end - 1]
        return "\n".join([self.lines[first - 1][column - 1 :], *self.lines[first : last]])

    def folded(self, span):
        """Whether a canary that is the constant 0 decides the condition, or whether it is read."""
        before = self.lines[span[0] - 1][: span[1] - 1]
        return (
            "PS_CANARY(" in self.text(span)
            or span[0] in self.canary
            or re.search(r"!PS_CANARY\(\w+\) \|\| ", before) is not None
            or re.search(r"(?<!!)PS_CANARY\(\w+\) && ", before) is not None
        )

    def is_missing_default(self, span):
        """A switch without a default: -Wswitch-enum has it name every value of its type."""
        return self.lines[span[0] - 1][: span[1] - 1].endswith("switch (")

    def excused(self, line):
        if line in self.marks:
            self.used.add(self.marks[line])
            return True
        return False


def line_counts(segments):
    """Executions of each line that holds code, as llvm-cov counts them."""
    by_line = defaultdict(list)
    for line, _, count, has_count, entry, gap in segments:
        by_line[line].append((count, has_count, entry, gap))
    counts = {}
    wrapped = None
    for line in range(min(by_line), max(by_line) + 1) if by_line else ():
        here = by_line.get(line, [])
        starts = [s[0] for s in here if s[1] and s[2] and not s[3]]
        skipped = bool(here) and not here[0][1] and here[0][2]
        if not skipped and (starts or (wrapped is not None and wrapped[1])):
            counts[line] = max([wrapped[0] if wrapped is not None else 0, *starts])
        if here:
            wrapped = here[-1]
    return counts


class Room:
    def __init__(self):
        self.lines = [0, 0]
        self.branches = [0, 0]
        self.conditions = [0, 0]


def add(pair, covered):
    pair[0] += 1 if covered else 0
    pair[1] += 1


class Coverage:
    def __init__(self, export, root):
        self.root = root.rstrip("/") + "/"
        self.sources = {}
        self.rooms = defaultdict(Room)
        self.gaps = []
        with open(export, encoding="utf-8") as text:
            data = json.load(text)["data"][0]
        self.count_lines(data["files"])
        self.count_branches(data["functions"])
        self.count_conditions(data["functions"])

    def own(self, path):
        """A path below core/ or transport/, else None."""
        short = path.removeprefix(self.root)
        return short if short.startswith(("core/", "transport/")) else None

    def source(self, short):
        if short not in self.sources:
            self.sources[short] = Source(self.root + short)
        return self.sources[short]

    def room(self, short):
        return self.rooms["/".join(short.split("/")[:2])]

    def gap(self, short, line, what):
        self.gaps.append((short, line, what))

    def count_lines(self, files):
        for file in files:
            short = self.own(file["filename"])
            if short is None:
                continue
            source = self.source(short)
            for line, count in line_counts(file["segments"]).items():
                if line in source.directives:
                    continue
                if count == 0 and (line in source.canary or source.excused(line)):
                    continue
                add(self.room(short).lines, count > 0)
                if count == 0:
                    self.gap(short, line, "line")

    def count_branches(self, functions):
        taken = defaultdict(lambda: [0, 0])
        for function in functions:
            for branch in function["branches"]:
                short = self.own(function["filenames"][branch[6]])
                if short is not None:
                    counts = taken[short, tuple(branch[:4])]
                    counts[0] += branch[BRANCH_TRUE]
                    counts[1] += branch[BRANCH_FALSE]
        for (short, span), counts in sorted(taken.items()):
            source = self.source(short)
            if source.folded(span) or source.is_missing_default(span):
                continue
            for count, way in zip(counts, ("true", "false")):
                if count == 0 and source.excused(span[0]):
                    continue
                add(self.room(short).branches, count > 0)
                if count == 0:
                    self.gap(short, span[0], f"never {way}: {' '.join(source.text(span).split())}")

    def count_conditions(self, functions):
        shown = {}
        for function in functions:
            for record in function["mcdc_records"]:
                short = self.own(function["filenames"][0])
                if short is not None:
                    key = short, tuple(record[:4])
                    shown[key] = [a or b for a, b in zip(record[6], shown.get(key, record[6]))]
        for (short, span), conditions in sorted(shown.items()):
            source = self.source(short)
            if span[0] in source.canary or source.excused(span[0]):
                continue
            folded = source.text(span).count("PS_CANARY(")
            pair = self.room(short).conditions
            pair[0] += sum(conditions)
            pair[1] += len(conditions) - folded
            if sum(conditions) < len(conditions) - folded:
                missing = [str(i + 1) for i, covered in enumerate(conditions) if not covered]
                self.gap(short, span[0], f"mcdc: condition {', '.join(missing)}")

    def marks(self):
        """Numbers of excuses in the core and the transports, and those that excuse nothing."""
        totals = {"core": 0, "transport": 0}
        stale = []
        for short, source in sorted(self.sources.items()):
            marks = set(source.marks.values())
            totals[short.split("/")[0]] += len(marks)
            stale += [(short, line) for line in sorted(marks - source.used)]
        return totals, stale


def percent(pair):
    return 100.0 if pair[1] == 0 else 100.0 * pair[0] / pair[1]


def cell(pair):
    return f"{percent(pair):7.2f} % {pair[0]:6}/{pair[1]}"


def figures(coverage):
    """What the gates hold: name -> value."""
    values = {}
    totals, _ = coverage.marks()
    for name, room in sorted(coverage.rooms.items()):
        gated = {"lines": room.lines}
        if name.startswith("core/"):
            gated.update({"branches": room.branches, "mcdc": room.conditions})
        for what, pair in gated.items():
            if pair[1] > 0:
                values[f"{name} {what}"] = percent(pair)
    for part, total in totals.items():
        values[f"{part} unreachable"] = total
    return values


def show(coverage):
    print(f"{'room':20} {'lines':>18} {'branches':>22} {'MC/DC':>22}")
    totals = {"core": Room(), "transport": Room()}
    for name, room in sorted(coverage.rooms.items()):
        total = totals[name.split("/")[0]]
        for key, pair in vars(room).items():
            both = getattr(total, key)
            both[0] += pair[0]
            both[1] += pair[1]
    rows = sorted(coverage.rooms.items()) + list(totals.items())
    for name, room in sorted(rows):
        print(f"{name:20} {cell(room.lines):22} {cell(room.branches):22} {cell(room.conditions):22}")


def judge(values, path):
    """Compares with the gates; each line is a name and a number. Returns the complaints."""
    complaints = []
    gates = {}
    with open(path, encoding="utf-8") as text:
        for line in text:
            if line.strip() and not line.startswith("#"):
                name, value = line.rsplit(maxsplit=1)
                gates[name] = float(value)
    for name, value in values.items():
        if name not in gates:
            complaints.append(f"{name}: no gate in {path}; it is {value:.2f}")
        elif name.endswith("unreachable") and value > gates[name]:
            complaints.append(f"{name}: {value} comments, {gates[name]:.0f} at most")
        elif not name.endswith("unreachable") and round(value, 2) < gates[name]:
            complaints.append(f"{name}: {value:.2f} %, {gates[name]:.2f} % at least")
    complaints += [f"{name}: a gate for what is not there" for name in gates.keys() - values.keys()]
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("export", help="what llvm-cov export wrote")
    parser.add_argument("root", help="the project's folder")
    parser.add_argument("gates", help="the file with the gates")
    parser.add_argument("--all", action="store_true", help="list gaps of transports and MC/DC, too")
    parser.add_argument("--print-gates", action="store_true", help="print what the gates could be")
    arguments = parser.parse_args()
    coverage = Coverage(arguments.export, arguments.root)
    values = figures(coverage)
    if arguments.print_gates:
        for name, value in values.items():
            exact = name.endswith("unreachable")
            print(f"{name} {value}" if exact else f"{name} {int(value * 100) / 100:.2f}")
        return 0
    for short, line, what in sorted(coverage.gaps):
        if arguments.all or (short.startswith("core/") and not what.startswith("mcdc")):
            print(f"{short}:{line}: {what}")
    show(coverage)
    complaints = judge(values, arguments.gates)
    _, stale = coverage.marks()
    complaints += [f"{short}:{line}: this comment excuses nothing" for short, line in stale]
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
