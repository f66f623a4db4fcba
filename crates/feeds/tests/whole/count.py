"""Counts what the feeds of shared/data/feeds say, by other means than the importers: see README.md.

    python3 count.py FOLDER-OF-FEEDS > counts.toml
"""

import csv
import gzip
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import xml.etree.ElementTree as XML
from collections import Counter, defaultdict
from io import BytesIO, TextIOWrapper
from pathlib import Path

CVE = re.compile(r"CVE[-_ ](\d{4})-(\d{4,})")
UBUNTU = """dapper 6.06 edgy 6.10 feisty 7.04 gutsy 7.10 hardy 8.04 intrepid 8.10 jaunty 9.04
    karmic 9.10 lucid 10.04 maverick 10.10 natty 11.04 oneiric 11.10 precise 12.04 quantal 12.10
    raring 13.04 saucy 13.10 trusty 14.04 utopic 14.10 vivid 15.04 wily 15.10 xenial 16.04
    yakkety 16.10 zesty 17.04 artful 17.10 bionic 18.04 cosmic 18.10 disco 19.04 eoan 19.10
    focal 20.04 groovy 20.10 hirsute 21.04 impish 21.10 jammy 22.04 kinetic 22.10 lunar 23.04
    mantic 23.10 noble 24.04""".split()
UBUNTU = dict(zip(UBUNTU[::2], UBUNTU[1::2]))

folder = Path(sys.argv[1])
documents = Counter()
pairs = defaultdict(set)  # stream -> {(package, vulnerability)}


def unpacked(name):
    return subprocess.run(["zstd", "-dc", folder / name], check=True, stdout=subprocess.PIPE).stdout


def members(name):
    with tarfile.open(fileobj=BytesIO(unpacked(name))) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member).read()


def alpine_names(entry):
    """The vulnerabilities that an entry of a `secfixes` list is about."""
    entry = entry.split("#")[0]
    cves = ["CVE-%s-%s" % found for found in CVE.findall(entry)]
    if cves:
        return cves
    words = [w for w in re.split(r"[\s,;/()]+", entry) if re.match(r"[A-Z].*[-_]", w) and re.search(r"\d", w)]
    return sorted(words, key=lambda word: not word.startswith("GHSA-"))[:1]


def alpine():
    for name, text in members("alpine-secdb-json.tar.zst"):
        if not name.endswith(".json"):
            continue
        database = json.loads(text)
        documents["alpine-secdb"] += 1
        stream = "alpine-" + database["distroversion"].lstrip("v")
        for entry in database["packages"]:
            package = entry["pkg"]
            for entries in (package.get("secfixes") or {}).values():
                for vulnerability in (v for e in entries or [] for v in alpine_names(e)):
                    pairs[stream].add((package["name"], vulnerability))
    for name, text in members("alpine-secdb-2020.tar.zst"):
        if not name.endswith(".yaml"):
            continue
        documents["alpine-secdb"] += 1
        stream = package = None
        for line in text.decode().splitlines():
            if found := re.match(r"distroversion: v?(\S+)", line):
                stream = "alpine-" + found[1]
            elif found := re.match(r"\s+name: (\S+)", line):
                package = found[1]
            elif found := re.match(r"\s+- ([\"']?)(.*)\1$", line):
                if found[2] != "pkg:":
                    for vulnerability in alpine_names(found[2]):
                        pairs[stream].add((package, vulnerability))


def debian():
    documents["debian-tracker"] += 1
    for package, entries in json.loads(unpacked("debian-tracker-bookworm.json.zst")).items():
        for vulnerability, entry in entries.items():
            for release in entry["releases"]:
                assert release == "bookworm", release
                pairs["debian-12"].add((package, vulnerability))


def ubuntu():
    for name, text in members("ubuntu-cve-tracker-2024-02.tar.zst"):
        text = text.decode("utf-8", "replace")
        candidate = re.search(r"^Candidate:\s*(\S+)", text, re.M)
        if not candidate or "\nReferences:" not in text:
            continue
        documents["ubuntu-cve-tracker"] += 1
        for release, package, word in re.findall(r"^([a-z][\w./-]*?)_([^\s:]+):[ \t]*([a-z-]+)", text, re.M):
            parts = [UBUNTU[part] for part in release.split("/") if part in UBUNTU]
            if parts:
                pairs["ubuntu-" + parts[0]].add((package, candidate[1]))


def osv_ids(record):
    names = (record.get("upstream") or []) + (record.get("aliases") or [])
    if not any(name.startswith("CVE-") for name in names):
        names += record.get("related") or []
    cves = {name for name in names if re.fullmatch(r"CVE-\d{4}-\d{4,}", name)}
    if not cves and not re.match(r"AL(BA|EA)-", record["id"]):
        cves = {record["id"]}
    return cves


def almalinux():
    for name, text in members("almalinux-osv.tar.zst"):
        record = json.loads(text)
        documents["osv"] += 1
        if record.get("withdrawn"):
            continue
        module = re.search(r"(^|\s)[\w.+-]+:[\w.+-]+(\s|$)", record.get("summary", ""))
        for affected in record["affected"]:
            package = affected["package"]["name"]
            if re.search(r"-debug(info|source)$|-debuginfo-common-", package):
                continue
            ends = [e.get("fixed", "") for r in affected["ranges"] for e in r["events"]]
            if any(".module" in end for end in ends) and not module:
                continue
            stream = affected["package"]["ecosystem"].lower().replace(":", "-")
            pairs[stream].update((package, vulnerability) for vulnerability in osv_ids(record))


def normal(stream, name):
    """PEP 503 for PyPI, lower case for Composer."""
    name = name.strip("\"' ")
    return re.sub(r"[-_.]+", "-", name).lower() if stream == "pypi" else name.lower() if stream == "composer" else name


def language_ids(own, names):
    """All CVEs; without one the first GHSA, else the record's own name."""
    names = [own] + names
    cves = {name for name in names if re.fullmatch(r"CVE-\d{4}-\d{4,}", name)}
    ghsas = sorted(name for name in names if name.startswith("GHSA-"))
    return cves or set(ghsas[:1]) or {own}


def languages_osv():
    for archive, stream in [("bitnami-osv.tar.zst", "bitnami"), ("go-vulndb-osv.tar.zst", "golang")]:
        for name, text in members(archive):
            record = json.loads(text)
            documents["osv"] += 1
            if record.get("withdrawn"):
                continue
            for affected in record["affected"]:
                if any(r["events"] for r in affected["ranges"]):
                    for vulnerability in language_ids(record["id"], record.get("aliases") or []):
                        pairs[stream].add((normal(stream, affected["package"]["name"]), vulnerability))


def pypa():
    for name, text in members("pypa-advisory-db.tar.zst"):
        if not name.endswith(".yaml"):
            continue
        text = text.decode()
        documents["osv"] += 1
        if re.search(r"^withdrawn:", text, re.M):
            continue
        own = re.search(r"^id: (\S+)", text, re.M)[1]
        aliases = re.search(r"^aliases:\n((?:\s*- .*\n?)+)", text, re.M)
        aliases = re.findall(r"- (\S+)", aliases[1]) if aliases else []
        for affected in re.split(r"^- package:$", text, flags=re.M)[1:]:
            if re.search(r"type: ECOSYSTEM|^  versions:", affected, re.M):
                package = re.search(r"^    name: (.*)$", affected, re.M)[1]
                for vulnerability in language_ids(own, aliases):
                    pairs["pypi"].add((normal("pypi", package), vulnerability))


def rust():
    for name, text in members("rustsec-advisory-db.tar.zst"):
        documents["rustsec"] += 1
        front = text.decode().split("```toml\n", 1)[1].split("\n```", 1)[0]
        entry = tomllib.loads(front)["advisory"]
        if "withdrawn" not in entry and entry.get("informational") not in ("unmaintained", "notice"):
            # Several CVEs of one advisory are aliases there: one statement.
            vulnerability = min(language_ids(entry["id"], entry.get("aliases", [])))
            pairs["cargo"].add((entry["package"], vulnerability))


def ruby_and_php():
    field = lambda text, key: (re.search(rf"^{key}: *[\"']?([^\"'\n#]+?)[\"']? *$", text, re.M) or [None, ""])[1]
    for name, text in members("ruby-advisory-db.tar.zst"):
        documents["rubysec"] += 1
        text = text.decode()
        names = [p + field(text, k) for p, k in [("CVE-", "cve"), ("GHSA-", "ghsa")] if field(text, k)]
        own = Path(name).stem
        # What these call unaffected and patched is together every version there is.
        if name.endswith(("ckeditor/CVE-2021-32808.yml", "cron_parser/CVE-2019-15224.yml")):
            continue
        pairs["gem"].add((field(text, "gem"), names[0] if names else own))
    for name, text in members("php-security-advisories.tar.zst"):
        text = text.decode()
        if not name.endswith(".yaml") or "composer://" not in text:
            continue
        documents["friendsofphp"] += 1
        package = re.search(r"composer://([^\s\"']+)", text)[1]
        cve = re.search(r"^cve: *[\"']?(CVE-\d{4}-\d{4,})", text, re.M)
        pairs["composer"].add((package.lower(), cve[1] if cve else package + "/" + Path(name).stem))


def red_hat_streams(cpe):
    parts = cpe.split(":") + [""] * 8
    vendor, product, version, edition = parts[2], parts[3], parts[4], parts[6]
    if vendor != "redhat":
        return []
    if product in ("rhel_software_collections", "rhel_dotnet", "devtools"):
        majors = [edition[2:]] if edition.startswith("el") else ["6", "7"]
    elif re.fullmatch(
        r"enterprise_linux(_eus)?|rhel_(eus|eus_long_life|aus|tus|e4s|els|mission_critical)"
        r"|rhel_extras(_rt_els|_oracle_java|_other|_rt|_sap)?", product):
        majors = [version.split(".")[0]]
    else:
        return []
    return ["rhel-" + major for major in majors if major.isdigit() and int(major) >= 5]


def red_hat():
    states = {"Affected", "Will not fix", "Fix deferred", "Out of support scope", "Not affected",
              "Under investigation", "New"}
    for name, text in members("redhat-cve-api-2024-10.tar.zst"):
        if not name.endswith(".json"):
            continue
        cve = json.loads(text)
        documents["redhat-cve"] += 1
        for release in cve.get("affected_release") or []:
            build = release.get("package") or ""
            module = re.fullmatch(r"([^:]+:.+)-\d{10,}\.\w+", build)
            nevr = re.fullmatch(r"(.+)-([^-]+)-([^-]+)", build)
            if not (module or nevr) or "/" in build:  # no build, or a container image's
                continue
            package = (module or nevr)[1]
            for stream in red_hat_streams(release.get("cpe", "")):
                pairs[stream].add((package, cve["name"]))
        for state in cve.get("package_state") or []:
            package = state["package_name"]
            if "/" in package:
                module, package = package.split("/", 1)
                if ":" not in module or module.endswith(":flatpak"):
                    continue
            elif ":" in package:
                continue
            if state["fix_state"] in states:
                for stream in red_hat_streams(state.get("cpe", "")):
                    pairs[stream].add((package, cve["name"]))


def azure():
    documents["azurelinux-oval"] += 1
    root = XML.fromstring(unpacked("azurelinux-3.0-oval.xml.zst"))
    named = lambda element, name: [e for e in element.iter() if e.tag.split("}")[-1] == name]
    names = {o.get("id"): named(o, "name")[0].text for o in named(root, "rpminfo_object")}
    tests = {t.get("id"): names[named(t, "object")[0].get("object_ref")] for t in named(root, "rpminfo_test")}
    for definition in named(root, "definition"):
        cve = next(r.get("ref_id") for r in named(definition, "reference"))
        for criterion in named(definition, "criterion"):
            pairs["azurelinux-3.0"].add((tests[criterion.get("test_ref")], cve))


def lists():
    documents["cisa-kev"] = documents["epss"] = 1
    kev = json.loads((folder / "cisa-kev-2025-08.json").read_text())["vulnerabilities"]
    pairs["kev"] = {entry["cveID"] for entry in kev}
    with gzip.open(folder / "epss_scores-2026-08-16.csv.gz") as rows:
        lines = (line for line in TextIOWrapper(rows) if not line.startswith("#"))
        pairs["epss"] = {row["cve"] for row in csv.DictReader(lines)}


for count in (alpine, debian, ubuntu, almalinux, languages_osv, pypa, rust, ruby_and_php, red_hat, azure, lists):
    count()
print("# Made by count.py; see README.md.\n\n[documents]")
for feed, number in sorted(documents.items()):
    print(f"{feed} = {number}")
print("\n[statements]")
for stream, said in sorted(pairs.items()):
    print(f'"{stream}" = {len(said)}')
