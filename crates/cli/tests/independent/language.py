"""Languages' publishers against what a scan says of packages at every version that they name.

Go, PyPA, RubySec, RustSec, FriendsOfPHP and Bitnami, each whole. One record is one statement; those that
share a name mean one vulnerability, which is told under its CVE, else its GHSA. It is fixed where one
record names a version free of it that follows.
"""

import sys
from collections import defaultdict
from urllib.parse import quote

import languages
import records
from bills import Sampler
from compare import Comparison
from feeds import Feeds
from known import RANK, score, worst
from program import Program, complaints, rows

FEEDS = {
    "golang": ("go-vulndb-osv", records.osv_json, "*.json"),
    "pypi": ("pypa-advisory-db", records.osv_yaml, "*.yaml"),
    "gem": ("ruby-advisory-db", records.rubysec, "*.yml"),
    "cargo": ("rustsec-advisory-db", records.rustsec, "*.md"),
    "composer": ("php-security-advisories", records.friendsofphp, "*.yaml"),
    "bitnami": ("bitnami-osv", records.osv_json, "*.json"),
}
FINDINGS = 6_000


def read(feeds, stream):
    name, reader, pattern = FEEDS[stream]
    return records.of_files(reader, feeds.documents(name), pattern)


class Publisher:
    """All records of one stream, by package."""

    def __init__(self, all_records):
        self.by_package = defaultdict(list)
        # What is known of a vulnerability by each of its names.
        self.by_own = defaultdict(list)
        for record in all_records:
            self.by_package[record.package].append(record)
            self.by_own[record.own].append(record)

    def groups(self, package):
        """Records that share a name, directly or through others. Two CVEs are two vulnerabilities: a record of
        several is about each, and what those of one call it besides is taken first."""
        records = sorted(
            self.by_package[package],
            key=lambda it: (abs(len(it.cves()) - 1), it.own, sorted(it.names)),
        )
        called = {}
        for record in records:
            if len(record.cves()) < 2:
                names = called.setdefault(first(record), {first(record)})
                for name in sorted(record.names):
                    join(called, names, name)
        groups = {}
        for record in records:
            for root in record.cves() if len(record.cves()) > 1 else [first(record)]:
                names = called.setdefault(root, {root})
                known, group = groups.setdefault(id(names), (set(), []))
                known |= (names & record.names) | {root}
                # What the publisher calls the record itself all of them have.
                known |= {record.own} - set(record.cves())
                group.append(record)
        return list(groups.values())

    def holding(self, own, package, version):
        """The records that say so."""
        groups = (group for names, group in self.groups(package) if own in names)
        return [record for group in groups for record in group if record.affects(version)]

    def expected(self, known, stream, package, version):
        found = {}
        for names, group in self.groups(package):
            holding = [record for record in group if record.affects(version)]
            if not holding:
                continue
            own = min(names, key=rank)
            fixes = {record: record.fixed(version) for record in holding}
            if any(fixes.values()):
                holding = [record for record in holding if fixes[record]]
            fixed = max(filter(None, fixes.values()), key=holding[0].key, default=None)
            row = {
                "aliases": tuple(sorted(names - {own})),
                "status": "affected" if fixed is None else "fixed",
                "fixed": fixed,
                **self.rating(names, holding),
                **known.of(names),
            }
            found[own, stream, package, version, "", ""] = row
        return found

    def add_vectors(self, expected):
        """What is known of a vulnerability, under all the names that it has in the artifact."""
        names = defaultdict(set)
        for key, row in expected.items():
            names[key[0]] |= {key[0], *row["aliases"]}
        for key, row in expected.items():
            records = [record for name in names[key[0]] for record in self.by_own.get(name, ())]
            vectors = {(name_of(record), v) for record in records for v in record.vectors if is_vector(v)}
            row["cvss"] = tuple(sorted(vectors))
            if all(score(vector) is not None for _, vector in vectors):
                row["scores"] = tuple(sorted((vector, score(vector)) for _, vector in vectors))

    def rating(self, names, holding):
        known_of = [record for name in names for record in self.by_own.get(name, ())]
        severity = worst_or_none([record.severity for record in holding])
        if severity == "unknown":
            severity = worst_or_none([record.severity for record in known_of])
        if severity is None:
            return {}
        return {
            "severity": severity,
            "severity_source": "" if severity == "unknown" else holding[0].source,
        }


def worst_or_none(words):
    """None where one of them is not known here."""
    return worst(words) if all(word in RANK for word in words) else None


def name_of(record):
    """OSV's scores are called by what stands before the first dash of a record's id."""
    return record.own.split("-")[0].lower() if record.source.endswith("-osv") else record.source


def is_vector(text):
    try:
        return text.startswith("CVSS:4.0/") or score(text) is not None
    except (KeyError, ValueError):
        return False


def first(record):
    return min(record.cves(), default=record.own)


def join(called, names, name):
    """What goes by a name is one with these names, unless that makes one of two CVEs."""
    other = called.setdefault(name, {name})
    if other is names or all(any(it.startswith("CVE-") for it in some) for some in (names, other)):
        return
    names |= other
    called.update((it, names) for it in other)


def rank(name):
    return (not name.startswith("CVE-"), not name.startswith("GHSA-"), name)


def neighbours(stream, version):
    """The version, and how one just before and just behind it is spelled."""
    if stream in ("cargo", "golang", "bitnami"):
        if "-" not in version:
            version += ".0" * (2 - version.count("."))
        before = f"{version}.0" if "-" in version else f"{version}-0"
        return [before, version, f"{version}.1"] if "-" in version else [before, version, after(version)]
    if stream == "gem":
        return [f"{version}.a", version, f"{version}.1"]
    if stream == "pypi":
        return [f"{version}.dev0", version, f"{version}.post1", f"{version}.1"]
    return [f"{version}-alpha1", version, f"{version}.1"]


def after(version):
    """`1.2.4` of `1.2.3`."""
    head, dot, last = version.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdigit() else f"{version}.1"


def purl(stream, package, version):
    name = quote(package, safe="/")
    return f"pkg:{stream}/{name}@{quote(version, safe='')}"


def fill(sampler, publisher, known, stream, left_out):
    order = languages.ORDERS[stream]
    for package in sampler.shuffled(publisher.by_package.keys() - left_out):
        bounds = {bound for record in publisher.by_package[package] for bound in record.bounds}
        bounds = sorted((b for b in bounds if order(b) is not None), key=order)
        chosen = [near for bound in sampler.some(bounds) for near in neighbours(stream, bound)]
        for version in chosen or ["1.0.0"]:
            # Nobody publishes what is older than the first of all versions.
            if order(version) is None or version.startswith("0-"):
                continue
            expected = publisher.expected(known, stream, package, version)
            sampler.add((purl(stream, package, version), package, version, []), expected)


def main(binary, feeds, *streams):
    feeds = Feeds(feeds)
    known = feeds.known()
    program = Program(binary)
    program.import_feeds(*feeds.paths(*(FEEDS[stream][0] for stream in streams), *Feeds.KNOWN))
    failed = 0
    for stream in streams:
        all_records, refused = read(feeds, stream)
        publisher = Publisher(all_records)
        sampler = Sampler(FINDINGS)
        fill(sampler, publisher, known, stream, {refusal.package for refusal in refused})
        publisher.add_vectors(sampler.expected)
        report = program.scan_bill(sampler.components)
        comparison = Comparison(stream)
        if wrong := complaints(report):
            comparison.differ("incomplete", stream, wrong)
        comparison.count("records", len(all_records))
        comparison.count("packages", len(sampler.components))
        comparison.count("refused", len(refused))
        for one in refused[:5]:
            print(f"{stream}: not read: {one}", file=sys.stderr)
        comparison.hold(rows(report), sampler.expected)
        if stream == "gem":
            comparison.count("judged", languages.judge_gems({one[2] for one in sampler.components}))
        failed |= comparison.finish()
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
