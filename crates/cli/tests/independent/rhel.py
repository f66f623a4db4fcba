"""RHEL 7, 8, 9 and AlmaLinux 8, 9 by bills of packages at every version that Red Hat's and AlmaLinux's
documents name."""

import functools
import sys
from urllib.parse import quote

import enterprise
import versions
from bills import Sampler, around
from compare import Comparison
from feeds import Feeds
from known import rating, rating_of_2
from program import Program, complaints, rows

STATES = "redhat-cve-api"
ERRATA = "almalinux-osv"
FINDINGS = 5_000


def expected(known, installed, own, origin, image, path=""):
    found = {}
    for cve, said in enterprise.findings(installed, own, origin, image).items():
        status, fixed, severity, who = said
        found[cve, "rpm", installed.name, installed.version, path, installed.architecture] = {
            "aliases": (),
            "status": status,
            "fixed": fixed,
            "severity": severity,
            "severity_source": "" if severity == "unknown" else who,
            **known.of([cve]),
        }
    return found


def add_opinions(rows, origin, release):
    """Red Hat rates and scores a CVE as a whole. What it says of one is known of all packages with it, whoever
    else fixed them."""
    for key, row in rows.items():
        is_told = key[0] in origin.told[release]
        rating, vectors = origin.documents[key[0]] if is_told else ("unknown", ())
        row["cvss"] = tuple(sorted({("redhat", vector) for vector, _ in vectors}))
        row["scores"] = tuple(sorted(set(vectors)))
        if row["severity"] == "unknown" and rating != "unknown":
            row["severity"], row["severity_source"] = rating, "redhat-cve"
        # Who gives no word may give a score: of CVSS 3 before one of CVSS 2.
        newest = max(vectors, key=lambda one: (one[0].startswith("CVSS:"), one[1]), default=None)
        if row["severity"] == "unknown" and newest:
            row["severity"], row["severity_source"] = score_word(newest), "redhat"


def score_word(scored):
    """Each version on its own scale."""
    vector, base = scored
    return rating(base) if vector.startswith("CVSS:") else rating_of_2(base)


def component(installed, family):
    epoch, colon, rest = installed.version.rpartition(":")
    qualifiers = {"arch": "x86_64"}
    if colon:
        qualifiers["epoch"] = epoch
    if not installed.epoch_known:
        qualifiers["upstream"] = f"{installed.source}-{installed.source_version}.src.rpm"
    if installed.module:
        qualifiers["rpmmod"] = f"{installed.module}:{installed.build}:c0ffee"
    text = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(qualifiers.items()))
    purl = f"pkg:rpm/{family}/{quote(installed.name)}@{quote(rest, safe='')}?{text}"
    return purl, installed.name, installed.version, []


def bill(known, own, origin, release, family):
    """Each version as the binary's and the source's own, then with a source whose epoch nobody knows."""
    sampler = Sampler(FINDINGS)
    names = set(origin.said[release]) | (set(own.said[release]) if own else set())
    for name in sampler.shuffled(name for name in names if ":" not in name):
        said = origin.versions(release, name) | (own.versions(release, name) if own else set())
        modules = {
            module
            for publisher in filter(None, (own, origin))
            for places in publisher.about(release, name).values()
            for _, module, _ in places
            if module
        }
        ordered = sorted(said, key=functools.cmp_to_key(versions.compare_rpm))
        for at, version in enumerate(around(sampler, ordered, "rpm") or ["0:1.0-1"]):
            version = version.removeprefix("0:")
            source = (name, version.split(":")[-1]) if at % 4 == 3 else (None, None)
            module, build = None, None
            if ".module" in version and modules and at % 2:
                module, build = sorted(modules)[at % len(modules)], "8090020231019152822"
            installed = enterprise.Installed(name, version, *source, module, build)
            installed.architecture = "x86_64"
            sampler.add(
                component(installed, family),
                expected(known, installed, own, origin, f"{release}.0"),
            )
    add_opinions(sampler.expected, origin, release)
    # A bill that says no package's source is not whole; a small one may have none by chance.
    said = f"pkg:rpm/{family}/said@1-1?arch=x86_64&upstream=said-1-1.src.rpm"
    sampler.components.append((said, "said", "1-1", []))
    return sampler


def main(binary, feeds):
    feeds = Feeds(feeds)
    known, releases = feeds.known(), ("7", "8", "9")
    red_hat = enterprise.RedHat(feeds.documents(STATES), releases)
    alma = enterprise.AlmaLinux(feeds.documents(ERRATA), releases)
    program = Program(binary)
    program.import_feeds(*feeds.paths(STATES, ERRATA, *Feeds.KNOWN))
    failed = 0
    for family, own, release in (
        ("rhel", None, "7"),
        ("rhel", None, "8"),
        ("rhel", None, "9"),
        ("almalinux", alma, "8"),
        ("almalinux", alma, "9"),
    ):
        comparison = Comparison(f"{family}-{release}")
        sampler = bill(known, own, red_hat, release, family)
        if len(sampler.components) == 1:
            continue
        report = program.scan_bill(sampler.components, (family, f"{release}.0"))
        if wrong := complaints(report):
            comparison.differ("incomplete", release, wrong)
        comparison.count("packages", len(sampler.components))
        comparison.hold(rows(report), sampler.expected)
        if (family, release) == ("almalinux", "9"):
            comparison.count("judged", enterprise.rpm.judge(versions.rpm))
        failed |= comparison.finish()
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
