"""Alpine, Debian and Azure Linux: what their publishers say of source packages, read plainly, and bills of
packages at every version that they name.

All three name fixed versions of source packages. Of several for one vulnerability the last one counts.
"""

import functools
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

import yaml

import enterprise
import versions
from bills import Sampler, around
from compare import Comparison
from feeds import Feeds
from known import word, worst
from program import Program, complaints, rows
from records import LOADER

FINDINGS = 6_000
FEEDS = ("alpine-secdb-json", "alpine-secdb-2020", "debian-tracker", "azurelinux-3.0-oval")
apk = versions.Order(versions.compare_apk)
debian = versions.Order(versions.compare_debian)
RPM_NAME = "{http://oval.mitre.org/XMLSchema/oval-definitions-5#linux}"
OVAL = "{http://oval.mitre.org/XMLSchema/oval-definitions-5}"


class Publisher:
    """Statements by stream, package and id: (status, fixed version, severity, aliases)."""

    def __init__(self):
        self.said = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))

    def versions(self, stream, package):
        said = self.said[stream].get(package, {}).values()
        return {fix for statements in said for _, fix, *_ in statements if fix}

    def findings(self, stream, name, version, with_epoch=True):
        found = {}
        for own, statements in self.said[stream].get(name, {}).items():
            fixes = [one for one in statements if one[0] == "fixed"]
            holding = [one for one in fixes or statements if self.holds(one, version, with_epoch)]
            if holding:
                status = min((one[0] for one in holding), key=enterprise.ORDER.index)
                holding = [one for one in holding if one[0] == status]
                fixed = [one[1] for one in holding if one[1]] if status == "fixed" else None
                found[own] = {
                    "aliases": tuple(sorted({name for one in statements for name in one[3]})),
                    "status": status,
                    "fixed": self.order.newest(fixed) if fixed else None,
                    **self.rating(worst(one[2] for one in holding)),
                }
        return found

    def holds(self, statement, version, with_epoch):
        status, fix, *_ = statement
        if status == "not_affected":
            return False
        if not with_epoch and fix:
            version, fix = (text.split(":", 1)[-1] for text in (version, fix))
        return fix is None or self.order.is_older(version, fix)

    def rating(self, severity):
        return {"severity": severity, "severity_source": "" if severity == "unknown" else self.source}


class Secdb(Publisher):
    """`packages: - pkg: {name, secfixes: {version: [names]}}`; the version `0` says: never vulnerable."""

    source, order = "alpine-secdb", apk

    def __init__(self, *folders):
        super().__init__()
        # Packages with a fixed version that apk does not read (`4.8.0.-r1`): nobody can judge those.
        self.strange = set()
        for path in (path for folder in folders for path in sorted(Path(folder).rglob("*"))):
            if path.suffix == ".json":
                self.read(json.loads(path.read_text(encoding="utf-8")))
            elif path.suffix == ".yaml":
                self.read(yaml.load(path.read_text(encoding="utf-8"), LOADER))

    def read(self, document):
        stream = document["distroversion"].removeprefix("v")
        for entry in document["packages"] or ():
            package = entry["pkg"]
            for version, entries in (package.get("secfixes") or {}).items():
                for own, aliases in (name for text in entries or () for name in names(text)):
                    status, fix = ("not_affected", None) if version == "0" else ("fixed", version)
                    if fix and not versions.is_apk(fix):
                        self.strange.add((stream, package["name"]))
                    self.said[stream][package["name"]][own].append((status, fix, "unknown", aliases))


def names(text):
    """What an entry means: each CVE, else the GHSA, else its first name; behind `#` stands a remark."""
    words = re.split(r"[\s,;/()]+", text.split("#")[0].replace("CVE ", "CVE-"))
    found = [word for word in words if re.match(r"[A-Z]", word) and re.search(r"[-_].*", word)]
    found = [spelled(word) for word in found if re.search(r"\d", word)]
    cves = list(dict.fromkeys(word for word in found if word.startswith("CVE-")))
    ghsas = [word for word in found if word.startswith("GHSA-")]
    if not cves:
        others = ghsas or found
        return [(others[0], tuple(others[1:]) if ghsas else ())] if others else []
    # Of several CVEs nobody says which one the GHSA names.
    return [(cve, tuple(ghsas) if len(cves) == 1 else ()) for cve in cves]


def spelled(text):
    """`CVE_2019-2426`, `CVE-2019-19451.patch` and the like mean the CVE."""
    match = re.match(r"CVE.(\d{4})\D(\d{4,})", text)
    return f"CVE-{match[1]}-{match[2]}" if match else text


class DebianTracker(Publisher):
    """By source package, CVE and release: status, fixed version, urgency."""

    source, order = "debian-tracker", debian

    def __init__(self, document):
        super().__init__()
        for package, vulnerabilities in json.loads(document).items():
            for own, vulnerability in vulnerabilities.items():
                release = vulnerability["releases"].get("bookworm")
                if release is not None:
                    severity = word(release.get("urgency", "").rstrip("*"))
                    said = (*meaning(release), severity, ())
                    self.said["12"][package][own].append(said)


def meaning(release):
    """The feed at hand knows what is resolved; a version of `0` says: never vulnerable."""
    if release["status"] != "resolved":
        raise SystemExit(f"a status `{release['status']}` is to be worked out as well")
    fix = release["fixed_version"]
    return ("not_affected", None) if fix == "0" else ("fixed", fix)


class AzureOval(Publisher):
    """A definition is one CVE in one package, by way of a test to an object's name and a state's version."""

    source, order = "azurelinux-oval", enterprise.rpm

    def __init__(self, document):
        super().__init__()
        root = ElementTree.fromstring(document)
        by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        for definition in root.iter(f"{OVAL}definition"):
            metadata = definition.find(f"{OVAL}metadata")
            cve = metadata.find(f"{OVAL}reference").get("ref_id")
            severity = word(metadata.findtext(f"{OVAL}severity") or "")
            for criterion in definition.iter(f"{OVAL}criterion"):
                test = by_id[criterion.get("test_ref")]
                package = by_id[test.find(f"{RPM_NAME}object").get("object_ref")]
                state = by_id[test.find(f"{RPM_NAME}state").get("state_ref")].find(f"{RPM_NAME}evr")
                if state.get("operation") != "less than":
                    raise SystemExit(f"an operation `{state.get('operation')}` is to be worked out as well")
                said = ("fixed", state.text.removeprefix("0:"), severity, ())
                self.said["3.0"][package.findtext(f"{RPM_NAME}name")][cve].append(said)


class Family:
    """How the packages of a distribution are written in a bill."""

    def __init__(self, kind, architecture, compare):
        self.kind, self.architecture = kind, architecture
        self.key = functools.cmp_to_key(compare)

    def around(self, sampler, named):
        named = sorted(named, key=self.key)
        if self.kind == "apk":
            named = list(filter(versions.is_apk, named))
            return [near for version in sampler.some(named) for near in near_apk(version)]
        return around(sampler, named, self.kind)


FAMILIES = {
    "alpine": Family("apk", "x86_64", versions.compare_apk),
    "debian": Family("deb", "amd64", versions.compare_debian),
    "azurelinux": Family("rpm", "x86_64", versions.compare_rpm),
}


def near_apk(version):
    """The revision before, the version, the revision behind it, and a candidate of it."""
    upstream, dash, revision = version.rpartition("-r")
    if not dash:
        return [version, f"{version}-r1"]
    before = [f"{upstream}-r{int(revision) - 1}"] if int(revision) else []
    candidate = [f"{upstream}_rc1-r{revision}"] if "_" not in upstream else []
    return [*before, *candidate, version, f"{upstream}-r{int(revision) + 1}"]


def fill(sampler, publisher, known, family, stream):
    how = FAMILIES[family]
    for package in sampler.shuffled(publisher.said[stream]):
        if (stream, package) in getattr(publisher, "strange", ()):
            continue
        for version in how.around(sampler, publisher.versions(stream, package)):
            epoch, _, rest = version.rpartition(":") if how.kind == "rpm" else ("", "", version)
            more = f"&epoch={epoch}" if epoch else ""
            purl = f"pkg:{how.kind}/{family}/{quote(package, safe='')}@{quote(rest, safe='')}"
            purl += f"?arch={how.architecture}{more}"
            # The file name of a source tells where its version begins only if that has one hyphen.
            if how.kind != "rpm" or rest.count("-") == 1:
                source = f"{package}-{rest}.src.rpm" if how.kind == "rpm" else package
                purl += f"&upstream={quote(source, safe='')}"
            found = publisher.findings(stream, package, version)
            expected = {
                (own, how.kind, package, version, "", how.architecture): {
                    **row,
                    **known.of([own, *row["aliases"]]),
                }
                for own, row in found.items()
            }
            sampler.add((purl, package, version, []), expected)


def publishers(feeds):
    secdb = Secdb(*map(feeds.documents, FEEDS[:2]))
    return {
        "alpine": (secdb, sorted(secdb.said)),
        "debian": (DebianTracker(feeds.content(FEEDS[2])), ["12"]),
        "azurelinux": (AzureOval(feeds.content(FEEDS[3])), ["3.0"]),
    }


def main(binary, feeds):
    feeds = Feeds(feeds)
    known = feeds.known()
    program = Program(binary)
    program.import_feeds(*feeds.paths(*FEEDS, *Feeds.KNOWN))
    failed = 0
    for family, (publisher, streams) in publishers(feeds).items():
        comparison = Comparison(family)
        for stream in streams:
            sampler = Sampler(FINDINGS // len(streams) + 1)
            fill(sampler, publisher, known, family, stream)
            report = program.scan_bill(sampler.components, (family, stream))
            if wrong := complaints(report):
                comparison.differ("incomplete", stream, wrong)
            comparison.count("packages", len(sampler.components))
            comparison.hold(rows(report), sampler.expected)
        if family == "debian":
            comparison.count("judged", debian.judge(versions.dpkg, versions.SAMPLE))
        failed |= comparison.finish()
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
