"""Images as their publishers made them, with every feed at hand imported at once.

Root file systems of Alpine and AlmaLinux, RPM databases of the older kinds, and the reference image, whose
packages of languages are scanned a second time as nobody's: without the distribution that shipped them,
upstream's advisories count.
"""

import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import distributions
import enterprise
import inventories
import language
import rhel
import versions
from compare import Comparison
from feeds import Feeds
from program import Program, complaints, rows, silenced

# Whose streams nothing here is about, or only by these few records: they are imported beside the others.
SAMPLES = ("amazon", "arch", "chainguard", "fedora", "minimos", "openeuler", "photon", "suse", "wolfi")


class Said:
    """All that the publishers say, read from their files."""

    def __init__(self, feeds):
        self.known = feeds.known()
        self.by_family = distributions.publishers(feeds)
        self.red_hat = enterprise.RedHat(feeds.documents(rhel.STATES), ("8", "9"))
        self.alma = enterprise.AlmaLinux(feeds.documents(rhel.ERRATA), ("8", "9"))
        streams = ("golang", "gem", "pypi")
        self.languages = {name: language.Publisher(language.read(feeds, name)[0]) for name in streams}

    def of_source(self, family, stream, package, path):
        """A package of a distribution that speaks of sources."""
        kind, name, version, architecture, source, source_version = package
        publisher = self.by_family[family][0]
        return {
            (own, kind, name, version, path, architecture): {
                **row,
                **self.known.of([own, *row["aliases"]]),
            }
            for own, row in publisher.findings(stream, source, source_version).items()
        }


def hold(program, comparison, target, listed, expected, missing=()):
    """The report on a target against what was calculated: the packages, the findings, what is missing."""
    report = program.scan(target)
    if {one["subject"] for one in complaints(report)} != set(missing):
        comparison.differ("incomplete", target, complaints(report))
    kinds = {one[0] for one in listed}
    found = {
        (one["type"], one["name"], one["version"], one["path"])
        for one in report["packages"]
        if one["type"] in kinds and not one["declared"] and one["basis"] == "record" and is_read(one)
    }
    comparison.count("packages", len(listed))
    for one in listed ^ found:
        comparison.differ("package", one, "listed by us alone" if one in listed else "by lazaret alone")
    leave_out_unlinked(report, comparison, expected)
    comparison.hold({key: row for key, row in rows(report).items() if is_found(key)}, expected)


# Of programs only the release of Go is read here; which modules they have is not compared.
def is_read(package):
    return package["type"] != "golang" or package["name"] == "stdlib"


def is_found(key):
    return key[1] != "golang" or key[2] == "stdlib"


def leave_out_unlinked(report, comparison, expected):
    """Whether a program links what is vulnerable is not worked out here; that functions are named is."""
    unlinked = silenced(report)
    for key, row in list(expected.items()):
        names_functions, elsewhere = row.pop("names functions", False), row.pop("elsewhere", False)
        by = unlinked.get((key[0], *key[2:5]))
        if (by == "not_linked" and names_functions) or (by == "other_platform" and elsewhere):
            del unlinked[key[0], *key[2:5]]
            del expected[key]
            comparison.count("elsewhere" if elsewhere else "not linked")
    for key, by in unlinked.items():
        if key[1] == "stdlib":
            comparison.differ("silenced", key, by)


def alpine(program, said, archive, comparison):
    with tempfile.TemporaryDirectory() as folder:
        root = inventories.unpacked(archive, folder)
        version = inventories.release(root)["VERSION_ID"]
        stream = "edge" if "_alpha" in version else ".".join(version.split(".")[:2])
        path, expected, listed = "lib/apk/db/installed", {}, set()
        for name, version, architecture, origin in inventories.apk(root):
            package = ("apk", name, version, architecture, origin, version)
            expected |= said.of_source("alpine", stream, package, path)
            listed.add(("apk", name, version, path))
        streams = said.by_family["alpine"][1]
        missing = () if stream in streams else (f"alpine-{stream}",)
        hold(program, comparison, str(archive), listed, expected, missing)
        if stream == "3.20":
            judge = versions.apk(root)
            comparison.count("judged", distributions.apk.judge(judge, versions.SAMPLE))


def rpms(program, said, target, database, path, family, image, comparison):
    """`own` are AlmaLinux's errata, for what Red Hat itself would say there are none."""
    own = said.alma if family == "almalinux" else None
    expected, listed = {}, set()
    for installed in inventories.rpm(database):
        found = rhel.expected(said.known, installed, own, said.red_hat, image, path)
        expected |= found
        listed.add(("rpm", installed.name, installed.version, path))
    rhel.add_opinions(expected, said.red_hat, image.partition(".")[0])
    hold(program, comparison, target, listed, expected)


def almalinux(program, said, archive, comparison):
    with tempfile.TemporaryDirectory() as folder:
        root = inventories.unpacked(archive, folder)
        image = inventories.release(root)["VERSION_ID"]
        path = "var/lib/rpm/rpmdb.sqlite"
        rpms(program, said, str(archive), root / "var/lib/rpm", path, "almalinux", image, comparison)


def older_databases(program, said, databases, comparison):
    """NDB and Berkeley DB in a root of our own, which calls itself RHEL 8: whose packages they are does not
    matter, what is compared is how they are read."""
    for name, path in (
        ("sle15-bci.Packages.db", "usr/lib/sysimage/rpm/Packages.db"),
        ("libuuid.bdb.Packages", "var/lib/rpm/Packages"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / path
            database.parent.mkdir(parents=True)
            shutil.copy(databases / name, database)
            (Path(folder) / "etc").mkdir()
            (Path(folder) / "etc/os-release").write_text('ID="rhel"\nVERSION_ID="8.9"\n')
            with tempfile.TemporaryDirectory() as copy:
                shutil.copy(databases / name, Path(copy) / database.name)
                rpms(program, said, f"dir:{folder}", copy, path, "rhel", "8.9", comparison)


def reference(program, said, archive, comparison):
    saved = inventories.Saved(archive)
    path, expected, listed = "var/lib/dpkg/status", {}, set()
    for name, version, architecture, source, source_version in inventories.dpkg(
        saved.files[path].decode()
    ):
        package = ("deb", name, version, architecture, source, source_version)
        expected |= said.of_source("debian", "12", package, path)
        listed.add(("deb", name, version, path))
    languages = list(saved.languages())
    owned = saved.owned()
    unowned = [one for one in languages if one[3].removeprefix("usr/") not in owned]
    if unowned:
        raise SystemExit(f"what no package of Debian owns is to be worked out as well: {unowned[:5]}")
    comparison.count("left to Debian", len(languages))
    listed |= set(languages)
    hold(program, comparison, str(archive), listed, expected)


def nobodys(program, said, archive, comparison):
    """The same files of languages in an archive that has no distribution."""
    saved = inventories.Saved(archive)
    languages = [one for one in saved.languages() if one[0] != "npm"]
    wanted = {one[3] for one in languages}
    target = program.work / "nobodys.tar"
    with tarfile.open(archive) as outer, tarfile.open(target, "w") as chosen:
        for layer in json.load(outer.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                for member in inner:
                    if member.isfile() and member.name.removeprefix("./") in wanted:
                        chosen.addfile(member, inner.extractfile(member))
    expected = {}
    for kind, name, version, path in languages:
        publisher = said.languages[kind]
        for key, row in publisher.expected(said.known, kind, name, version).items():
            holding = publisher.holding(key[0], name, version)
            row["names functions"] = all(record.symbols for record in holding)
            row["elsewhere"] = not any(record.is_on("linux", "amd64") for record in holding)
            # All programs of the image are of one platform; a gem's is that of the Ruby that loads it.
            platform = "linux/amd64" if kind == "golang" else ""
            expected[(*key[:4], path, platform)] = row
    for stream, publisher in said.languages.items():
        publisher.add_vectors({key: row for key, row in expected.items() if key[1] == stream})
    hold(program, comparison, f"fs-archive:{target}", set(languages), expected)


def main(binary, data, saved=None):
    """The root file systems and databases; with an archive of the reference image that alone."""
    data = Path(data)
    feeds, images = Feeds(data / "feeds"), data / "images"
    program = Program(binary)
    said = Said(feeds)
    whole = [path for path in sorted(feeds.folder.iterdir()) if not path.name.startswith("upstream")]
    samples = feeds.documents("upstream-samples")
    some = [path for name in SAMPLES for path in sorted(samples.glob(name))]
    program.import_feeds(*whole, *some, damaged=True)
    micro = images / "almalinux-9-micro-20231124-aarch64.tar.xz"
    runs = [(path.name.split("-x86")[0], alpine, path) for path in sorted(images.glob("alpine-*"))]
    runs += [("almalinux-9-micro", almalinux, micro), ("older-databases", older_databases, data / "rpmdb")]
    if saved is not None:
        runs = [("reference", reference, saved), ("nobodys", nobodys, saved)]
    failed = 0
    for name, run, target in runs:
        comparison = Comparison(name)
        run(program, said, Path(target), comparison)
        for order, judge in JUDGES.get(name, ()):
            comparison.count("judged", order.judge(judge))
        failed |= comparison.finish()
    return failed


JUDGES = {
    "older-databases": [(enterprise.rpm, versions.rpm)],
    "reference": [(distributions.debian, versions.dpkg)],
}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
