"""The order of versions of languages' packages, by each ecosystem's published rules.

Semantic versions (SemVer 2.0.0, section 11) for crates, Go and Bitnami; PEP 440 by `packaging`, which is
Python's own; RubyGems and Composer as their manuals describe them. What cannot be read is None: a
calculation leaves such a version alone.
"""

import functools
import re
import subprocess

from packaging.version import InvalidVersion, Version

SEMVER = re.compile(r"v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$")


@functools.lru_cache(maxsize=None)
def semver(text):
    """Numbers, then the pre-release: none is newest, numbers are older than words."""
    match = SEMVER.match(text)
    if match is None:
        return None
    numbers = tuple(int(number) for number in match[1].split("."))
    numbers = strip_zeros(numbers)
    if match[2] is None:
        return numbers, (1,)
    words = tuple(
        (0, int(word), "") if word.isdigit() else (1, 0, word) for word in match[2].split(".")
    )
    return numbers, (0, words)


def strip_zeros(numbers):
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers


@functools.lru_cache(maxsize=None)
def golang(text):
    """The toolchain writes `go1.21rc2` where semantic versions have `1.21.0-rc.2`."""
    toolchain = re.fullmatch(r"go(\d+(?:\.\d+)*)(?:(rc|beta)(\d+))?", text)
    if toolchain is None:
        return semver(text)
    numbers, word, number = toolchain.groups()
    return semver(f"{numbers}-{word}.{number}" if word else numbers)


@functools.lru_cache(maxsize=None)
def pep440(text):
    try:
        return Version(text)
    except InvalidVersion:
        return None


@functools.lru_cache(maxsize=None)
def gem(text):
    """`Gem::Version`: runs of digits and of letters; a hyphen means `.pre.`; words are older."""
    text = text.strip()
    if not re.fullmatch(r"\d+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?", text):
        return None
    parts = re.findall(r"\d+|[A-Za-z]+", text.replace("-", ".pre."))
    segments = [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]
    return GemVersion(segments)


@functools.total_ordering
class GemVersion:
    def __init__(self, segments):
        first_word = next((at for at, one in enumerate(segments) if one[0] == 0), len(segments))
        head, tail = segments[:first_word], segments[first_word:]
        self.segments = strip(head) + strip(tail)
        self.numbers = [number for kind, number, _ in head]

    def padded(self, other):
        length = max(len(self.segments), len(other.segments))
        return [one.segments + [(1, 0, "")] * (length - len(one.segments)) for one in (self, other)]

    def __eq__(self, other):
        mine, theirs = self.padded(other)
        return mine == theirs

    def __lt__(self, other):
        mine, theirs = self.padded(other)
        return mine < theirs

    def __hash__(self):
        return hash(tuple(self.segments))


def strip(segments):
    while segments and segments[-1] == (1, 0, ""):
        segments = segments[:-1]
    return segments


STABILITY = {"dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "": 4, "patch": 5, "pl": 5, "p": 5}
COMPOSER = re.compile(r"v?(\d{1,5})(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?(?:[-.]?([a-z]+)[-.]?(\d*))?$")


@functools.lru_cache(maxsize=None)
def composer(text):
    """Four numbers, a stability and its number (Composer, "Versions and constraints")."""
    match = COMPOSER.match(text.strip().lower())
    if match is None or (match[5] or "") not in STABILITY:
        return None
    numbers = tuple(int(number or 0) for number in match.groups()[:4])
    return numbers, STABILITY[match[5] or ""], int(match[6] or 0)


ORDERS = {
    "bitnami": semver,
    "cargo": semver,
    "composer": composer,
    "gem": gem,
    "golang": golang,
    "pypi": pep440,
}


def judge_gems(versions):
    """How many neighbours in our order RubyGems orders alike; what it refuses is told to it not."""
    ordered = sorted(versions, key=gem)
    script = "require 'rubygems'; v = STDIN.read.split(\"\\n\").map { |t| Gem::Version.new(t) }; "
    script += "puts v.each_cons(2).count { |a, b| a > b }"
    ended = subprocess.run(
        ["ruby", "-e", script], input="\n".join(ordered), capture_output=True, text=True, check=True
    )
    if int(ended.stdout) != 0:
        raise SystemExit(f"RubyGems orders {ended.stdout.strip()} pairs of versions another way")
    return len(ordered)
