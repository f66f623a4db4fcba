"""The records of languages' publishers, read plainly from their documents.

A `Record` is what one publisher says of one package: names of the vulnerability, which versions have it,
which versions are said to be free of it again. OSV's evaluation is that of its schema; the others say
conditions on versions, which are asked one by one.
"""

import json
import re
import tomllib
from pathlib import Path

import yaml

import known
from languages import ORDERS

# Takes everything for text: `1.10` is a version and no number. The one in C is twenty times faster.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
NOTHING = ("", "~", "null", None)


class Refused(Exception):
    """A version that the ecosystem's rules do not know, in a record on this package."""

    def __init__(self, own, package, version):
        super().__init__(f"{own} on {package}: {version}")
        self.package = package


class Record:
    def __init__(self, source, stream, package, own, names):
        self.source, self.stream, self.package = source, stream, package
        # What the publisher calls it, and under what it is known besides.
        self.own, self.names = own, {own, *names}
        self.order = ORDERS[stream]
        self.spans = []  # functions of a place: whether it is affected
        self.fixes = []  # versions that are said to be free of it
        self.ends = []  # versions just behind which nothing is said any more, as the order has them
        self.bounds = []  # all versions that are named
        self.severity = "unknown"
        self.vectors = ()
        self.symbols = None
        self.platforms = []  # where the functions are; None of those that are everywhere

    def is_on(self, system, machine):
        """Whether what is vulnerable is there on this platform, as Go names it."""
        return any(
            one is None
            or (system in (one.get("goos") or [system]) and machine in (one.get("goarch") or [machine]))
            for one in self.platforms
        )

    def cves(self):
        return sorted(name for name in self.names if name.startswith("CVE-"))

    def key(self, version):
        """A place in the order: of a version, followed by the one just behind it."""
        key = self.order(version)
        if key is None:
            raise Refused(self.own, self.package, version)
        return key, 0

    def affects(self, version):
        return self.is_affected(self.key(version))

    def is_affected(self, place):
        return any(span(place) for span in self.spans)

    def fixed(self, version):
        """What ends the stretch of affected versions that this one is in: a version that is free of it, or
        None where it ends just behind one (a last affected version), or never."""
        place = self.key(version)
        ends = [(self.key(fix), fix) for fix in self.fixes] + [((key, 1), None) for key in self.ends]
        ends = [end for end in ends if end[0] > place and not self.is_affected(end[0])]
        return min(ends, key=lambda end: end[0], default=(None, None))[1]


class Evaluation:
    """OSV schema, "Evaluation": events in the order of versions, the last one that applies decides.

    Where each beginning has its end behind it in the text, those are the ranges, even if they overlap; in
    the order of versions the first end would end both. What has no beginning is affected from the first
    version on.
    """

    def __init__(self, record, events):
        known = ("introduced", "fixed", "last_affected")
        pairs = (pair for event in events for pair in event.items() if pair[0] in known)
        self.events = []  # (kind, place), the first of all places being None
        for kind, version in pairs:
            is_first = (kind, version) == ("introduced", "0")
            self.events.append((kind, None if is_first else record.key(version)))
        self.is_begun = all(kind != "introduced" for kind, _ in self.events)
        self.ranges = self.paired()
        self.events.sort(key=lambda event: (event[1] is not None, event[1] or 0))

    def paired(self):
        """(beginning, kind of end, end) of each; None where the text has no such pairs."""
        ranges = []
        for at in range(0, len(self.events), 2):
            (kind, begin), *rest = self.events[at : at + 2]
            end_kind, end = rest[0] if rest else ("never", None)
            others = [place for _, place in self.events if place is not None]
            is_last = not rest and (begin is None and not others or begin and begin >= max(others))
            is_pair = rest and end_kind != "introduced" and (begin is None or begin <= end)
            if kind != "introduced" or not (is_pair or is_last):
                return None
            ranges.append((begin, end_kind, end))
        return ranges

    def __call__(self, place):
        if self.ranges is not None:
            return any(is_within(place, *one) for one in self.ranges)
        affected = self.is_begun
        for kind, bound in self.events:
            if kind == "introduced":
                affected = affected or bound is None or place >= bound
            elif place > bound or kind == "fixed" and place == bound:
                affected = False
        return affected


def is_within(place, begin, kind, end):
    if begin is not None and place < begin:
        return False
    return kind == "never" or place < end or kind == "last_affected" and place == end


# What stands before the first colon of an ecosystem: stream, and source as reports name it.
ECOSYSTEMS = {
    "Bitnami": ("bitnami", "bitnami-osv"),
    "Go": ("golang", "golang-osv"),
    "PyPI": ("pypi", "pypi-osv"),
}


def osv(document):
    """One record for each package that it names."""
    if document.get("withdrawn"):
        return
    names = [document["id"], *(document.get("aliases") or ()), *(document.get("upstream") or ())]
    by_package = {}
    for affected in document.get("affected") or ():
        package = affected["package"]
        if package["ecosystem"].split(":")[0] not in ECOSYSTEMS:
            continue
        stream, source = ECOSYSTEMS[package["ecosystem"].split(":")[0]]
        name = normal(stream, package["name"])
        record = by_package.get((stream, name))
        if record is None:
            record = Record(source, stream, name, document["id"], names)
            record.symbols = []
            by_package[stream, name] = record
        add_affected(record, affected)
        vectors = [one["score"] for one in affected.get("severity") or document.get("severity") or ()]
        vectors += [one["score"] for one in document.get("severity") or ()]
        record.vectors = tuple(dict.fromkeys((*record.vectors, *vectors)))
        record.severity = known.worst((record.severity, stated(document, affected, vectors)))
    # The texts and scores of a record are those of all its packages.
    vectors = tuple(dict.fromkeys(v for record in by_package.values() for v in record.vectors))
    for record in by_package.values():
        record.vectors = vectors
        if record.spans:
            yield record


def add_affected(record, affected):
    for span in affected.get("ranges") or ():
        if span["type"] not in ("SEMVER", "ECOSYSTEM"):
            continue
        record.spans.append(Evaluation(record, span["events"]))
        for event in span["events"]:
            for kind, version in event.items():
                if kind != "limit" and version != "0":
                    record.bounds.append(version)
                if kind == "fixed":
                    record.fixes.append(version)
                if kind == "last_affected":
                    record.ends.append(record.key(version)[0])
    # Versions that cannot be compared with any other are no versions of installed packages.
    listed = {key for version in affected.get("versions") or () if (key := record.order(version))}
    if listed:
        record.spans.append(lambda place: place[1] == 0 and place[0] in listed)
        record.ends += listed
        record.bounds += affected["versions"] if not affected.get("ranges") else affected["versions"][:1]
    symbols = (affected.get("ecosystem_specific") or {}).get("imports") or []
    named = [f"{one['path']} {symbol}" for one in symbols for symbol in one.get("symbols") or ()]
    if record.symbols is not None:
        tells = symbols and all(one.get("symbols") and one.get("path") for one in symbols)
        record.symbols = record.symbols + named if tells else None
    record.platforms += symbols or [None]


def stated(document, affected, vectors):
    """The publisher's word, else what the newest vector scores."""
    for specific in (affected.get("ecosystem_specific"), document.get("database_specific")):
        said = (specific or {}).get("severity")
        if isinstance(said, str) and known.word(said) != "unknown":
            return known.word(said)
    newest = max(vectors, default=None, key=lambda v: v.split("/")[0] if v.startswith("CVSS:") else "")
    if newest is None:
        return "unknown"
    base = known.score(newest)
    if base is None:
        return "not known here"
    return known.rating(base) if newest.startswith("CVSS:") else known.rating_of_2(base)


def normal(stream, name):
    if stream == "pypi":
        return re.sub(r"[-_.]+", "-", name).lower().strip("-")
    return name.lower() if stream == "composer" else name


def conditions(record, text):
    """`>= 1.2, < 2`: a test of a version's key, and the versions from which it begins to hold."""
    tests, begins = [], []
    for part in filter(None, (part.strip() for part in text.split(","))):
        relation, version = re.fullmatch(r"(>=|<=|~>|>|<|=|==|\^|~)?\s*(\S+)", part).groups()
        record.bounds.append(version)
        key = record.key(version)
        if record.stream == "cargo" and relation == "<" and version.count(".") < 2:
            # The crate `semver`: `<0.8` names all of 0.8, its pre-releases too.
            key = record.key(written(record, version) + "-0")
        if relation in ("~>", "^", "~"):
            end = upper(record, relation, version)
            tests.append(lambda it, key=key, end=end: it >= key and end(it))
        else:
            tests.append(TESTS[relation or DEFAULT[record.stream]](key, record, version))
        if (relation or DEFAULT[record.stream]) in (">=", "=", "==", "~>", "^", "~"):
            begins.append(written(record, version))
    return (lambda it: all(test(it) for test in tests)), begins


def written(record, version):
    """A crate has three numbers."""
    missing = 2 - version.count(".") if record.stream == "cargo" and "-" not in version else 0
    return version + ".0" * missing


# What a version without a relation means: cargo's own rule is the caret.
DEFAULT = {"gem": "=", "cargo": "^", "composer": "="}
TESTS = {
    ">=": lambda key, *_: lambda it: it >= key,
    "<=": lambda key, *_: lambda it: it <= key,
    ">": lambda key, *_: lambda it: it > key,
    "<": lambda key, *_: lambda it: it < key,
    "=": lambda key, *_: lambda it: it == key,
    "==": lambda key, *_: lambda it: it == key,
    "^": lambda key, record, version: caret(key, upper(record, "^", version)),
}


def caret(key, end):
    return lambda it: it >= key and end(it)


def upper(record, relation, version):
    """Where `~>` of RubyGems, `^` and `~` of cargo end."""
    if record.stream == "gem":
        numbers = record.key(version)[0].numbers
        numbers = numbers[:-1] if len(numbers) > 1 else numbers
        bumped = [*numbers[:-1], numbers[-1] + 1]
        # `Gem::Requirement`: the release of a version counts, so that no pre-release of the next passes.
        return lambda it: tuple(it[0].numbers) < tuple(bumped)
    numbers = [int(number) for number in re.match(r"[\d.]+", version)[0].strip(".").split(".")]
    if relation == "~":
        at = min(1, len(numbers) - 1)
    else:
        at = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    end = [*numbers[:at], numbers[at] + 1, *[0] * (2 - at)]
    key = record.key(".".join(map(str, end)) + "-0")
    return lambda it: it < key


def outside(record, patched, unaffected):
    """Affected is what no condition holds of."""
    tests = []
    for text in [*(patched or ()), *(unaffected or ())]:
        test, begins = conditions(record, text)
        tests.append(test)
        record.fixes += begins
    record.spans.append(lambda it: not any(test(it) for test in tests))


def rubysec(path):
    entry = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    if "gem" not in entry:
        return
    cve, ghsa = (said(entry, name) for name in ("cve", "ghsa"))
    names = [f"CVE-{cve}"] if cve else []
    names += [f"GHSA-{ghsa.removeprefix('GHSA-')}"] if ghsa else []
    own = names[0] if names else path.stem
    record = Record("rubysec", "gem", entry["gem"], own, names)
    outside(record, said(entry, "patched_versions"), said(entry, "unaffected_versions"))
    score = said(entry, "cvss_v4") or said(entry, "cvss_v3")
    older = said(entry, "cvss_v2")
    if score is not None:
        record.severity = known.rating(float(score))
    else:
        record.severity = "unknown" if older is None else known.rating_of_2(float(older))
    yield record


def rustsec(path):
    front = path.read_text(encoding="utf-8").split("```toml\n", 1)[1].split("\n```", 1)[0]
    entry = tomllib.loads(front)
    advisory, ranges = entry["advisory"], entry.get("versions", {})
    if advisory.get("withdrawn") or advisory.get("informational") in ("unmaintained", "notice"):
        return
    record = Record("rustsec", "cargo", advisory["package"], advisory["id"], advisory.get("aliases", ()))
    outside(record, ranges.get("patched"), ranges.get("unaffected"))
    if vector := advisory.get("cvss"):
        record.vectors = (vector,)
        base = known.score(vector)
        record.severity = "not known here" if base is None else known.rating(base)
    yield record


def friendsofphp(path):
    entry = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    name = entry["reference"].removeprefix("composer://")
    cve = (said(entry, "cve") or "").strip()
    is_cve = re.fullmatch(r"CVE-\d{4}-\d{4,}", cve)
    own = cve if is_cve else f"{name}/{path.stem}"
    record = Record("friendsofphp", "composer", normal("composer", name), own, ())
    for branch in entry["branches"].values():
        if branch.get("versions"):
            test, _ = conditions(record, ",".join(branch["versions"]))
            record.spans.append(test)
            for text in branch["versions"]:
                relation, version = re.match(r"\s*([<>=]*)\s*(\S+)", text).groups()
                if relation == "<":
                    record.fixes.append(version)
                elif relation != ">" and relation != ">=":
                    record.ends.append(record.key(version)[0])
    yield record


def of_files(read, folder, pattern):
    """All records, and how many documents hold what cannot be read here."""
    records, refused = [], []
    for path in sorted(Path(folder).rglob(pattern)):
        # Of the database, and not of its repository (`.github`).
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            records += read(path)
        except Refused as refusal:
            refused.append(refusal)
    return records, refused


def osv_json(path):
    yield from osv(json.loads(path.read_text(encoding="utf-8")))


def osv_yaml(path):
    yield from osv(yaml.load(path.read_text(encoding="utf-8"), LOADER))


def said(entry, key):
    return None if entry.get(key) in NOTHING else entry[key]
