"""What Red Hat and AlmaLinux say of packages, read plainly from their documents, and what it comes to.

Red Hat's security data is one document a CVE, and about source packages; AlmaLinux's errata are OSV records
about binary ones. AlmaLinux has the last word on what it fixes or clears; of the rest Red Hat's word
counts, since it rebuilds the same sources.
"""

import json
import re
from collections import defaultdict
from pathlib import Path

import versions
from known import word, worst

rpm = versions.Order(versions.compare_rpm)
ORDER = (
    "fixed",
    "affected",
    "will_not_fix",
    "fix_deferred",
    "end_of_life",
    "not_affected",
    "under_investigation",
    "undetermined",
)
# Of two words on one package the one that asks for more.
CONCERN = (
    "not_affected",
    "undetermined",
    "under_investigation",
    "end_of_life",
    "will_not_fix",
    "fix_deferred",
    "fixed",
    "affected",
)
STATES = {
    "Affected": "affected",
    "Will not fix": "will_not_fix",
    "Fix deferred": "fix_deferred",
    "Out of support scope": "end_of_life",
    "Not affected": "not_affected",
    "Under investigation": "under_investigation",
    "New": "under_investigation",
}
EXTENDED = r"rhel_(eus|eus_long_life|aus|tus|e4s|els|mission_critical)"
COLLECTIONS = re.compile("rhel_software_collections|rhel_dotnet|devtools")
MODULE_BUILD = re.compile(r"(.+:.+)-(\d{18,})(?:\..*)?$")
BUILD = re.compile(r"(.+)-(?:(\d+):)?([^-:]+)-([^-]+)$")


def products(cpe):
    """(release of RHEL, track) that a CPE means: none for what is not RHEL."""
    parts = (cpe.split(":") + [""] * 7)[2:7]
    vendor, name, version, _, edition = parts
    if vendor != "redhat":
        return []
    track = None
    if name == "enterprise_linux":
        if edition == "fastdatapath" or edition.startswith("hypervisor"):
            track = "fastdatapath" if edition == "fastdatapath" else "hypervisor"
    elif name == "enterprise_linux_eus":
        track = f"eus-{version}"
    elif match := re.fullmatch(EXTENDED, name):
        track = f"{match[1]}-{version}"
    elif name == "rhel_extras_rt_els":
        track = f"els-{version}"
    elif COLLECTIONS.fullmatch(name):
        releases = [edition[2:]] if edition.startswith("el") else ["6", "7"]
        return [(release, None) for release in releases if release.isdigit()]
    elif not re.fullmatch(r"rhel_extras(_oracle_java|_other|_rt|_sap)?", name):
        return []
    major = version.split(".")[0]
    return [(major, track)] if major.isdigit() and int(major) >= 5 else []


class Place:
    """What is said of one package in one track and module: fixes by notice, else a state."""

    def __init__(self):
        self.fixes = defaultdict(list)
        self.state = None
        self.severities = ["unknown"]

    def lines(self):
        """Each as (status, fixed version): of several builds in one notice the oldest has the fix."""
        if not self.fixes:
            return [(self.state, None)]
        return [("fixed", version) for version in {oldest(builds) for builds in self.fixes.values()}]


def oldest(builds):
    first = builds[0]
    for build in builds[1:]:
        first = build if rpm.is_older(build, first) else first
    return first


class RedHat:
    """Places by release, package and CVE: a `dict` from (track, module, document)."""

    def __init__(self, folder, releases):
        self.releases = releases
        self.said = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
        self.documents = {}
        # By release, the CVEs of which a document says more than that something is not affected.
        self.told = defaultdict(set)
        for path in sorted(Path(folder).rglob("CVE-*.json")):
            text = path.read_text(encoding="utf-8")
            # Most documents are about other products; reading them takes longest of all.
            if any(f":{release}" in text for release in releases) or COLLECTIONS.search(text):
                self.read(json.loads(text))

    def read(self, document):
        cve, rating = document["name"], document.get("threat_severity") or ""
        about = set()
        for release in document.get("affected_release") or ():
            fix = fixed_build(release.get("package") or "")
            for major, track in products(release["cpe"]) if fix else ():
                package, module, version = fix
                if place := self.place(major, package, cve, track, module):
                    place.fixes[release["advisory"]].append(version)
                    place.severities.append(word(release.get("impact") or rating))
                    about.add(major)
                    self.told[major].add(cve)
        for state in document.get("package_state") or ():
            name = component(state["package_name"])
            for major, track in products(state["cpe"]) if name else ():
                if place := self.place(major, name[0], cve, track, name[1]):
                    says = STATES.get(state["fix_state"], "undetermined")
                    known = (place.state or says, says)
                    place.state = max(known, key=CONCERN.index)
                    place.severities.append(word(state.get("impact") or rating))
                    about.add(major)
                    if says != "not_affected":
                        self.told[major].add(cve)
        if about:
            self.documents[cve] = opinion(document)

    def place(self, major, package, cve, track, module):
        debug = package.endswith(("-debuginfo", "-debugsource")) or "-debuginfo-common-" in package
        if major not in self.releases or debug:
            return None
        return self.said[major][package][cve].setdefault((track, module, ""), Place())

    def about(self, major, package):
        return self.said[major].get(package, {})

    def versions(self, major, package):
        places = (place for by in self.about(major, package).values() for place in by.values())
        return {version for place in places for fixes in place.fixes.values() for version in fixes}


def fixed_build(package):
    """(package, module, version): a build, or of a module the module itself and the build's number."""
    if "/" in package:
        return None
    if match := MODULE_BUILD.match(package):
        return match[1], match[1], match[2]
    if match := BUILD.match(package):
        return match[1], None, evr(match[2], f"{match[3]}-{match[4]}")
    return None


def evr(epoch, rest):
    return rest if epoch in (None, "", "0") else f"{epoch}:{rest}"


def component(name):
    """(package, module); None for flatpaks and images."""
    module, slash, package = name.partition("/")
    if not slash:
        return None if ":" in name else (name, None)
    return (package, module) if ":" in module and not module.endswith(":flatpak") else None


def opinion(document):
    """Red Hat's rating of the CVE, and its vectors with scores."""
    vectors = []
    for key in ("cvss", "cvss3"):
        cvss = document.get(key) or {}
        vector, base = cvss.get(f"{key}_scoring_vector") or "", cvss.get(f"{key}_base_score") or ""
        if re.fullmatch(r"\d+(\.\d+)?", base):
            vectors.append((vector, float(base)))
    return word(document.get("threat_severity") or ""), vectors


class AlmaLinux:
    """Errata by release, package and CVE: places as for Red Hat, each erratum with a rating of its own."""

    def __init__(self, folder, releases):
        self.said = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
        for path in sorted(Path(folder).rglob("*.json")):
            record = json.loads(path.read_text(encoding="utf-8"))
            names = [*(record.get("upstream") or ()), *(record.get("aliases") or ())]
            names += record.get("related") or ()
            cves = {name for name in names if name.startswith("CVE-")}
            if not cves and not re.match(r"AL[BE]A-", record["id"]):
                cves = {record["id"]}
            for affected in record["affected"]:
                release = affected["package"]["ecosystem"].removeprefix("AlmaLinux:")
                if release in releases and not record.get("withdrawn"):
                    self.read(record, affected, release, cves)

    def read(self, record, affected, release, cves):
        title = record.get("summary") or ""
        severity = word(title.split(": ")[0]) if ": " in title else "unknown"
        events = [event for span in affected["ranges"] for event in span["events"]]
        package = affected["package"]["name"]
        if package.endswith(("-debuginfo", "-debugsource")) or "-debuginfo-common-" in package:
            return
        for version in (event["fixed"] for event in events if "fixed" in event):
            module = None
            if ".module" in version:
                stream = re.search(r"(?:^|\s)([A-Za-z0-9][\w.+-]*:[A-Za-z0-9][\w.+-]*)(?=\s|$)", title)
                if stream is None:
                    continue
                module = stream[1]
            for cve in cves:
                place = self.said[release][package][cve].setdefault((None, module, record["id"]), Place())
                place.fixes[record["id"]].append(version.removeprefix("0:"))
                place.severities.append(severity)

    def about(self, release, package):
        return self.said[release].get(package, {})

    versions = RedHat.versions


class Installed:
    """An rpm: as a database has it, or as a bill names it."""

    def __init__(self, name, version, source=None, source_version=None, module=None, build=None):
        self.name, self.version = name, version
        self.source, self.source_version = source or name, source_version or version
        # A source package's file name has no epoch.
        self.epoch_known = source is None
        self.module, self.build = module, build


def minor(version):
    match = re.search(r"\.el(\d+)_(\d+)(?!.*\.el)", version)
    return match and f"{match[1]}.{match[2]}"


def applies(installed, module, fixes):
    """A statement on a module's builds is about builds of that module alone."""
    meant = module or any(".module" in fix for fix in fixes)
    has = installed.module or ".module" in installed.version
    if module and installed.module:
        return module == installed.module
    return bool(meant) == bool(has)


def is_older(version, fix, with_epoch):
    if not with_epoch:
        version, fix = (text.split(":", 1)[-1] for text in (version, fix))
    return rpm.is_older(version, fix)


def settle(said):
    """What lines of one track come to: None, `clear`, or (status, fixed, severity)."""
    if not said:
        return None
    if any(status == "fixed" for status, *_ in said):
        said = [one for one in said if one[0] == "fixed"]
        same = [one for one in said if minor(one[2]) and minor(one[1]) == minor(one[2])]
        said = same if len(said) > 1 and same else said
    holding = []
    for status, fix, version, with_epoch, severity, name in said:
        if status == "not_affected":
            continue
        if fix is None or is_older(version, fix, with_epoch):
            holding.append((status, fix, severity, name))
    if not holding:
        return "clear"
    status = min((one[0] for one in holding), key=ORDER.index)
    holding = [one for one in holding if one[0] == status]
    fixed = rpm.newest([one[1] for one in holding]) if status == "fixed" else None
    if fixed is not None and ":" in holding[0][3]:
        fixed = f"{holding[0][3]}-{fixed}"
    return status, fixed, worst(one[2] for one in holding)


def conclude(places_by_name, image):
    """One publisher's word on an image of a minor release: `places_by_name` are (name, version, with_epoch,
    installed, places)."""
    by_track = defaultdict(list)
    for name, version, with_epoch, installed, places in places_by_name:
        for (track, module, _), place in places.items():
            for status, fix in place.lines():
                if not applies(installed, module, [fix or ""]):
                    continue
                by_track[bearing(track, version, image)].append(
                    (status, fix, version, with_epoch, worst(place.severities), name)
                )
    of_this_minor(by_track, image)
    if settle(by_track["clears"]) == "clear":
        return "clear"
    main, atop = settle(by_track["main"]), settle(by_track["atop"])
    if atop is None:
        # What a later minor release fixed is the fix of what is affected.
        later = settle(by_track["later"])
        has_fix = main not in (None, "clear") and later not in (None, "clear") and later[0] == "fixed"
        return later if has_fix and main[0] != "fixed" else main
    # Extended life continues the only line there is.
    has_fix = any(one[0] == "fixed" for one in by_track["main"])
    return "clear" if atop != "clear" and main == "clear" and has_fix else atop


def number(release):
    """Of a minor release: 8 of `9.8`."""
    return int((release.split(".") + ["-1"])[1])


def of_this_minor(by_track, image):
    """The EUS track of the image's minor release is the main one, unless a later one has a main fix."""
    main, own = by_track["main"], by_track.pop("minor", [])
    fixes = [one for one in main if one[0] == "fixed"]
    if any(minor(one[1]) and number(minor(one[1])) > number(image) for one in fixes):
        by_track["clears"] += [one for one in own if minor(one[2]) == image]
        return
    has_fix = any(one[0] == "fixed" for one in own)
    is_built = any(minor(one[2]) and minor(one[1]) == minor(one[2]) for one in fixes)
    if own and (has_fix or is_built):
        by_track["main"] = fixes + [one for one in own if one[0] == "fixed"]
    elif own:
        by_track["main"] = own


def bearing(track, version, image):
    if track is None:
        return "main"
    program, _, release = track.rpartition("-")
    if program == "els":
        return "atop"
    built = minor(version)
    is_ahead = built and release and number(built) > number(release)
    if program == "eus" and release == image and not is_ahead:
        return "minor"
    if release and built == release:
        return "clears"
    return "later" if program == "eus" and number(release) > number(image) else "elsewhere"


def findings(installed, own, origin, image):
    """What the two publishers say of a package: by CVE, (status, fixed, severity, who)."""
    release = image.split(".")[0]
    found = {}
    of_binary = own.about(release, installed.name) if own is not None else {}
    names = [(installed.source, installed.source_version, installed.epoch_known)]
    if installed.module:
        names.append((installed.module, installed.build, True))
    cves = set(of_binary).union(*(origin.about(release, name[0]) for name in names))
    for cve in cves:
        said = None
        if cve in of_binary:
            about = [(installed.name, installed.version, True, installed, of_binary[cve])]
            said = conclude(about, image)
        who = "almalinux-osv"
        if said is None:
            about = [
                (name, version, with_epoch, installed, origin.about(release, name).get(cve, {}))
                for name, version, with_epoch in names
            ]
            said, who = conclude(about, image), "redhat-cve"
        if said not in (None, "clear"):
            found[cve] = (*said, who)
    return found
