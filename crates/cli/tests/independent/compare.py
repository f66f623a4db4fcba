"""Holds findings against what was calculated, and says what differs and how much was the same.

A calculation gives a `dict` from the same keys as `program.rows` to what it knows of the finding. What it
says nothing of (a field that is not there) is not compared.
"""

import sys
from collections import Counter

SHOWN = 30


class Comparison:
    """Gathers several reports; `finish` prints one line of counts, and ends badly on a difference."""

    def __init__(self, what):
        self.what = what
        self.counts = Counter()
        self.differences = []

    def hold(self, found, expected):
        self.counts["findings"] += len(expected)
        for key in expected.keys() - found.keys():
            self.differ("missed", key, expected[key])
        for key in found.keys() - expected.keys():
            self.differ("invented", key, found[key])
        for key in expected.keys() & found.keys():
            for field, value in expected[key].items():
                self.counts[field] += value not in (None, (), "", "unknown")
                if found[key][field] != value:
                    self.differ("differs", key, f"{field}: {found[key][field]!r}, not {value!r}")

    def count(self, name, number=1):
        self.counts[name] += number

    def differ(self, kind, key, what):
        self.counts[kind] += 1
        self.differences.append((kind, str(key), str(what)))

    def finish(self):
        """Counts as `name=number`, which the test reads; the first differences before them."""
        shown = Counter()
        for kind, key, what in sorted(self.differences):
            shown[kind] += 1
            if shown[kind] <= SHOWN:
                print(f"{self.what}: {kind} {key} {what}", file=sys.stderr)
        counts = ", ".join(f"{name}={number}" for name, number in sorted(self.counts.items()))
        print(f"{self.what}: {counts}")
        return int(bool(self.differences))
