#!/usr/bin/env python3
"""Branches of the core that the fuzz corpora take, from what `llvm-cov export` says.

What cannot be reached is left out by the rules of ci/coverage.py. Left out as assertions are: the
walks over invariants (check.c), whose branches only a bug takes.
"""
import argparse
import json
import os
import sys
from collections import defaultdict

from coverage import BRANCH_FALSE, BRANCH_TRUE, Source


def taken_of(export, root):
    """(file, span) -> how often the branch was true and false, in all instances together."""
    with open(export, encoding="utf-8") as text:
        functions = json.load(text)["data"][0]["functions"]
    taken = defaultdict(lambda: [0, 0])
    for function in functions:
        for branch in function["branches"]:
            short = os.path.relpath(function["filenames"][branch[6]], root)
            if short.startswith("core/") and not short.endswith("check.c"):
                counts = taken[short, tuple(branch[:4])]
                counts[0] += branch[BRANCH_TRUE]
                counts[1] += branch[BRANCH_FALSE]
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("export", help="what llvm-cov export wrote")
    parser.add_argument("root", help="the project's folder")
    parser.add_argument("gate", type=int, help="branches in 10,000 that must be taken")
    parser.add_argument("--missing", action="store_true", help="list every branch not taken")
    arguments = parser.parse_args()
    sources = {}
    files = defaultdict(lambda: [0, 0])
    for (short, span), counts in sorted(taken_of(arguments.export, arguments.root).items()):
        if short not in sources:
            sources[short] = Source(os.path.join(arguments.root, short))
        source = sources[short]
        if source.folded(span) or source.is_missing_default(span):
            continue
        for count, way in zip(counts, ("true", "false")):
            if count == 0 and source.excused(span[0]):
                continue
            files[short][0] += count > 0
            files[short][1] += 1
            if arguments.missing and count == 0:
                text = " ".join(source.text(span).split())
                print(f"{short}:{span[0]}:{span[1]} never {way}: {text}")
    for short, (count, of) in sorted(files.items()):
        if not arguments.missing and count < of:
            print(f"   {short:34} {count:4} of {of:4}")
    count, of = (sum(pair[i] for pair in files.values()) for i in (0, 1))
    print(f"core: {count} of {of} branches, {count * 10000 // of / 100:.2f} %")
    if count * 10000 < arguments.gate * of:
        print(f"error: fewer than {arguments.gate / 100:.2f} %", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
