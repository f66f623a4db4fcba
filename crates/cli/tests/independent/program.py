"""Runs the program as a user does: advisories in, a target in, a report out.

The only place that knows how `lazaret` is called and what a report looks like. It takes from a report
what the calculations say something about, and nothing else.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

# What one artifact may have. A bill that is expected to have more says nothing.
FINDINGS_MAX = 40_000
# Of a scan that could read everything; 20 and 21 tell of findings and of what is incomplete.
DONE = (0, 20, 21)


class Program:
    """The binary with a folder of its own: nothing of this machine's settings, no network."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.TemporaryDirectory(prefix="lazaret-independent-")
        self.work = Path(self.folder.name)

    def run(self, *arguments):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.folder.name,
            "SOURCE_DATE_EPOCH": "1767225600",
        }
        where = ["--db", str(self.work / "db"), "--cache-dir", str(self.work / "cache"), "--offline"]
        command = [self.binary, *arguments, *where]
        ended = subprocess.run(
            command, env=environment, cwd=self.work, capture_output=True, text=True, check=False
        )
        if ended.returncode not in DONE:
            raise SystemExit(f"{command} ended with {ended.returncode}\n{ended.stderr[-4000:]}")
        return ended

    def import_feeds(self, *paths, damaged=False):
        """All at once, as one command."""
        more = ["--accept-damaged"] if damaged else []
        return self.run("db", "import", *more, *map(str, paths)).stdout

    def scan(self, target, *options):
        """The report, as it was written."""
        report = self.work / "report.json"
        self.run("scan", "--checks", "vuln", "--format", "json", "-o", str(report), *options, target)
        with open(report, encoding="utf-8") as text:
            return json.load(text)

    def scan_bill(self, components, system=None):
        """The report on a bill of materials made of these components: (purl, name, version, more)."""
        bill = self.work / "bill.cdx.json"
        with open(bill, "w", encoding="utf-8") as text:
            json.dump(document(components, system), text)
        return self.scan(f"sbom:{bill}")


def document(components, system):
    """CycloneDX, as somebody else's tool would write it."""
    listed = [
        {"type": "library", "name": name, "version": version, "purl": purl, "properties": more}
        for purl, name, version, more in components
    ]
    if system is not None:
        family, release = system
        listed.append({"type": "operating-system", "name": family, "version": release})
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": listed}


def rows(report):
    """The findings by id, package, version, path and architecture."""
    found = {}
    for finding in report["findings"]:
        package = finding["package"]
        key = (finding["id"], package["type"], package["name"], package["version"], finding["path"])
        key += (package["architecture"],)
        if key in found:
            raise SystemExit(f"{key} is reported twice")
        found[key] = {
            "aliases": tuple(finding["aliases"]),
            "status": finding["status"],
            "fixed": finding["fixed_version"],
            "severity": finding["severity"],
            "severity_source": finding["severity_source"],
            "cvss": tuple(sorted((one["source"], one["vector"]) for one in finding["cvss"])),
            "scores": tuple(sorted((one["vector"], one["score"]) for one in finding["cvss"])),
            "epss": finding["epss"] and tuple(finding["epss"].values()),
            "kev": finding["kev"] and finding["kev"]["date_added"],
        }
    return found


def silenced(report):
    """By whom, by id, package, version and path."""
    places = ("id", "package", "version", "path")
    return {tuple(one[place] for place in places): one["by"] for one in report["silenced"]}


def complaints(report):
    """What makes a report incomplete: of such a one absence means nothing."""
    return [one for one in report["problems"] if one["incomplete"]]
