"""What is known of a vulnerability apart from packages: EPSS, KEV, and what a CVSS vector scores.

Read from the publishers' files (FIRST's CSV, CISA's JSON) and computed by FIRST's specifications of CVSS
2 and 3. Version 4 has tables instead of a formula; of it only the vectors are compared.
"""

import csv
import json
import math

# FIRST, CVSS v3.1 Specification, 7.4: the values of metrics.
V3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "PR changed": {"N": 0.85, "L": 0.68, "H": 0.5},
    "UI": {"N": 0.85, "R": 0.62},
    "CIA": {"H": 0.56, "L": 0.22, "N": 0.0},
}
# FIRST, CVSS v2 Guide, 3.2.1.
V2 = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "CIA": {"N": 0.0, "P": 0.275, "C": 0.660},
}


class Known:
    """Scores and known exploits, by CVE."""

    def __init__(self, epss, kev):
        self.epss = {}
        lines = (line for line in epss.splitlines() if not line.startswith("#"))
        for row in csv.DictReader(lines):
            self.epss[row["cve"]] = (float(row["epss"]), float(row["percentile"]))
        catalog = json.loads(kev)["vulnerabilities"]
        self.kev = {entry["cveID"]: entry["dateAdded"] for entry in catalog}

    def of(self, names):
        """Of the first of a vulnerability's names that each publisher speaks of."""
        names = sorted(names)
        return {
            "epss": next((self.epss[name] for name in names if name in self.epss), None),
            "kev": next((self.kev[name] for name in names if name in self.kev), None),
        }


def score(vector):
    """The base score; None for a version without a formula, or what is no vector."""
    if vector.startswith(("CVSS:3.0/", "CVSS:3.1/")):
        return score_of_3(metrics(vector.split("/", 1)[1]))
    if vector.startswith("CVSS:"):
        return None
    return score_of_2(metrics(vector.strip("()")))


def metrics(text):
    return dict(part.split(":", 1) for part in text.split("/"))


def score_of_3(m):
    changed = m["S"] == "C"
    iss = 1 - math.prod(1 - V3["CIA"][m[which]] for which in ("C", "I", "A"))
    impact = 7.52 * (iss - 0.029) - 3.25 * (iss - 0.02) ** 15 if changed else 6.42 * iss
    rights = V3["PR changed" if changed else "PR"][m["PR"]]
    ease = 8.22 * V3["AV"][m["AV"]] * V3["AC"][m["AC"]] * rights * V3["UI"][m["UI"]]
    if impact <= 0:
        return 0.0
    return round_up(min((1.08 if changed else 1.0) * (impact + ease), 10))


def round_up(number):
    """Appendix A of the specification: without the errors of floating point."""
    whole = round(number * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def score_of_2(m):
    impact = 10.41 * (1 - math.prod(1 - V2["CIA"][m[which]] for which in ("C", "I", "A")))
    ease = 20 * V2["AV"][m["AV"]] * V2["AC"][m["AC"]] * V2["Au"][m["Au"]]
    weight = 0 if impact == 0 else 1.176
    return round((0.6 * impact + 0.4 * ease - 1.5) * weight, 1)


def rating(base):
    """FIRST's qualitative scale; 0.0 is `None` there, `negligible` in a report."""
    steps = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "negligible"))
    return next(word for least, word in steps if base >= least)


def rating_of_2(base):
    """NVD's scale for CVSS 2: three words."""
    return next(word for least, word in ((7.0, "high"), (4.0, "medium"), (0.0, "low")) if base >= least)


def word(text):
    """A publisher's word as a report spells it."""
    spelled = {"important": "high", "moderate": "medium", "minor": "low"}
    spelled |= {"unimportant": "negligible", "none": "negligible"}
    text = text.strip().lower()
    known = ("critical", "high", "medium", "low", "negligible")
    return text if text in known else spelled.get(text, "unknown")


WORDS = ("unknown", "negligible", "low", "medium", "high", "critical")
RANK = {name: rank for rank, name in enumerate(WORDS)}


def worst(words):
    return max(words, key=RANK.__getitem__, default="unknown")
