"""Chooses the packages and versions of a bill of materials that a test writes.

What decides lies at the versions that a publisher names: each is taken itself, just before it and just
behind it. Packages come in an order that is mixed but always the same, until the findings that they are
expected to have are enough for one artifact.
"""

import random

# Of one package: its first and last versions and some between; a kernel has thousands.
NAMED_MAX = 5
# Of one package at one version; a kernel alone would fill a bill.
ROWS_MAX = 700


class Sampler:
    def __init__(self, findings):
        self.findings = findings
        self.random = random.Random(20261130)
        self.components = []
        self.expected = {}
        self.seen = set()

    def shuffled(self, names):
        """Until there are enough."""
        names = sorted(names)
        self.random.shuffle(names)
        for name in names:
            if len(self.expected) >= self.findings:
                return
            yield name

    def add(self, component, expected):
        if component[0] in self.seen or len(expected) > ROWS_MAX:
            return
        self.seen.add(component[0])
        self.components.append(component)
        self.expected.update(expected)

    def some(self, ordered):
        """The first, the last, and some of those between."""
        if len(ordered) <= NAMED_MAX:
            return ordered
        middle = self.random.sample(range(1, len(ordered) - 1), NAMED_MAX - 2)
        return [ordered[at] for at in sorted({0, len(ordered) - 1, *middle})]


# How a version just before, and just behind, another is spelled.
BEFORE = {"deb": "{}~", "rpm": "{}~"}
BEHIND = {"deb": "{}.1", "rpm": "{}.1"}


def around(sampler, named, kind):
    chosen = []
    for version in sampler.some(named):
        chosen += [BEFORE[kind].format(version), version, BEHIND[kind].format(version)]
    return chosen
