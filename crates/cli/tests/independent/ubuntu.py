"""Ubuntu's CVE tracker against what a scan says of packages at every version that the tracker names.

Read as the tracker's README describes its files: `<release>_<package>: <state> (<remark>)`, where a release
may be a track of Ubuntu Pro. A build is held against its release; what Pro offers counts where the
release itself will not fix, and for builds that come from it.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

import versions
from bills import Sampler, around
from compare import Comparison
from feeds import Feeds
from known import word, worst
from program import Program, complaints, rows

RELEASES = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "mantic": "23.10",
}
# From the best to the worst that can be said of a package.
ORDER = (
    "fixed",
    "affected",
    "will_not_fix",
    "fix_deferred",
    "end_of_life",
    "under_investigation",
    "undetermined",
)
STATE = re.compile(r"([a-z][a-z0-9.+/-]*)_([^:\s]+):\s*([\w-]+)\s*(?:\((.*)\))?")
ENDED = ("end of life", "end-of-life", "end of standard support", "end of kernel support")
FINDINGS = 6_000
TRACKER = "ubuntu-cve-tracker"
debian = versions.Order(versions.compare_debian)


class Tracker:
    """States by release, package and CVE: a list of (track, state, remark); priorities by CVE."""

    def __init__(self, folder):
        self.states = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        self.priorities = {}
        for path in sorted(Path(folder).glob("*/CVE-*")):
            self.read(path.read_text(encoding="utf-8", errors="replace"))

    def read(self, text):
        cve, priorities, states = None, {}, []
        for line in text.splitlines():
            if line.startswith("Candidate:"):
                cve = line.split(":", 1)[1].strip()
            elif line.startswith("Priority"):
                key, _, value = line.partition(":")
                words = value.split()
                priorities[key.removeprefix("Priority").removeprefix("_")] = words[0] if words else ""
            elif line[:1].islower() and (match := STATE.match(line)):
                states.append(match.groups())
        for place, package, state, remark in states:
            track, release = split(place)
            if release in RELEASES and state != "DNE":
                self.states[release][package][cve].append((track, place, state, remark or ""))
        self.priorities[cve] = priorities

    def priority(self, cve, package, place):
        known = self.priorities[cve]
        keys = (f"{package}_{place}", package, "")
        return word(next((known[key] for key in keys if key in known), ""))


def split(place):
    """`esm-infra/xenial`, and `trusty/esm` as it was written when there was one such track."""
    first, slash, second = place.partition("/")
    if not slash:
        return None, first
    if first in RELEASES:
        return ("esm-infra" if second == "esm" else second), first
    return first, second


def first_version(remark):
    version = re.split(r"[, ]", remark)[0]
    return version if version[:1].isdigit() else None


def meaning(state, remark):
    """What the word means, and the version it holds below."""
    version = first_version(remark)
    if state == "released":
        return ("fixed", version) if version else ("undetermined", None)
    if state == "pending":
        return "affected", version
    if state == "ignored":
        remark = remark.lower()
        ended = "out of standard support" in remark or any(end in remark for end in ENDED)
        return ("end_of_life" if ended else "will_not_fix"), None
    plain = {"needed": "affected", "needs-triage": "under_investigation", "deferred": "fix_deferred"}
    plain |= {"active": "affected", "in-progress": "affected", "not-affected": None}
    return plain[state], None


def settle(said, version):
    """What the lines of one track add up to: None, `clear`, or (status, fixed, severity)."""
    if not said:
        return None
    if any(status == "fixed" for status, _, _ in said):
        said = [one for one in said if one[0] == "fixed"]
    holding = [
        one for one in said if one[0] and (one[1] is None or debian.is_older(version, one[1]))
    ]
    if not holding:
        return "clear"
    status = min((one[0] for one in holding), key=ORDER.index)
    holding = [one for one in holding if one[0] == status]
    fixed = debian.newest([one[1] for one in holding]) if status == "fixed" else None
    return status, fixed, worst(one[2] for one in holding)


def verdict(lines, version):
    """Of all lines on one CVE in one package: those of the release, of Pro, of FIPS."""
    by_kind = defaultdict(list)
    mark = version.lower()
    for track, status, until, severity in lines:
        kind = "main"
        if track is not None:
            kind = "offered"
        if track is not None and track.startswith("esm") and "esm" in mark:
            kind = "own"
        if track is not None and track.startswith("fips"):
            kind = "fips" if "fips" in mark else "nothing"
        by_kind[kind].append((status, until, severity))
    main, offered = settle(by_kind["main"], version), settle(by_kind["offered"], version)
    if by_kind["fips"]:
        return settle(by_kind["fips"], version)
    own = settle(by_kind["own"], version)
    if own == "clear":
        return own
    if own is not None:
        # A build of Pro stands on the release's own: what was fixed there is fixed in it.
        has_fix = any(status == "fixed" for status, _, _ in by_kind["main"])
        return "clear" if main == "clear" and has_fix else own
    if main in (None, "clear") or offered is None:
        return offered if main is None else main
    if offered == "clear":
        return "clear" if main[0] in ("end_of_life", "will_not_fix") else main
    return offered if ORDER.index(offered[0]) < ORDER.index(main[0]) else main


def expected(tracker, known, release, package, version):
    names = [package]
    if package.startswith("linux-signed"):
        # It wraps what the source without that word built.
        names.append("linux" + package.removeprefix("linux-signed"))
    by_cve = defaultdict(list)
    for name in names:
        for cve, lines in tracker.states[release].get(name, {}).items():
            for track, place, state, remark in lines:
                status, until = meaning(state, remark)
                by_cve[cve].append((track, status, until, tracker.priority(cve, name, place)))
    found = {}
    for cve, lines in by_cve.items():
        said = verdict(lines, version)
        if said in (None, "clear"):
            continue
        status, fixed, severity = said
        source = "" if severity == "unknown" else "ubuntu-cve-tracker"
        found[cve, "deb", package, version, "", "amd64"] = {
            "aliases": (),
            "status": status,
            "fixed": fixed,
            "severity": severity,
            "severity_source": source,
            **known.of([cve]),
        }
    return found


def named_versions(states):
    """All versions that the tracker names for a package, in order."""
    named = {first_version(one[3]) for lines in states.values() for one in lines}
    return sorted(named - {None}, key=versions.parts_of_debian)


def main(binary, feeds):
    feeds = Feeds(feeds)
    known, tracker = feeds.known(), Tracker(feeds.documents(TRACKER))
    program = Program(binary)
    program.import_feeds(*feeds.paths(TRACKER, *Feeds.KNOWN))
    comparison = Comparison("ubuntu")
    for release, number in RELEASES.items():
        if not tracker.states[release]:
            continue
        sampler = Sampler(FINDINGS)
        for package in sampler.shuffled(tracker.states[release]):
            named = named_versions(tracker.states[release][package])
            for version in around(sampler, named, "deb") or ["1.0-1"]:
                purl = f"pkg:deb/ubuntu/{package}@{quote(version, safe='')}?arch=amd64&upstream={package}"
                found = expected(tracker, known, release, package, version)
                sampler.add((purl, package, version, []), found)
        report = program.scan_bill(sampler.components, ("ubuntu", number))
        if wrong := complaints(report):
            comparison.differ("incomplete", release, wrong)
        comparison.count("packages", len(sampler.components))
        comparison.hold(rows(report), sampler.expected)
    comparison.count("judged", debian.judge(versions.dpkg, versions.SAMPLE))
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
