"""The order of versions of the operating systems' packages, and the package managers as its judges.

Each order is written here from the package manager's manual. Whatever pair was asked is kept, and
`judge` puts them to `dpkg`, `rpm` and Alpine's own `apk` themselves: all to `rpm`, which takes thousands
at once; a sample to the two that take a process a pair.
"""

import functools
import random
import re
import subprocess
import tempfile

SAMPLE = 300


class Order:
    """Compares, and remembers what it was asked."""

    def __init__(self, compare):
        self.asked = {}
        self.answer = functools.lru_cache(maxsize=None)(compare)

    def compare(self, a, b):
        """Below, at or above 0, as `a` is older than, the same as or newer than `b`."""
        answer = self.answer(a, b)
        self.asked[a, b] = answer
        return answer

    def is_older(self, a, b):
        return self.compare(a, b) < 0

    def newest(self, versions):
        return max(versions, key=functools.cmp_to_key(self.compare))

    def judge(self, judge, sample=None):
        """How many questions the judge answered, all of them as here."""
        pairs = sorted(self.asked)
        if sample is not None and len(pairs) > sample:
            pairs = random.Random(1).sample(pairs, sample)
        for (a, b), answer in zip(pairs, judge(pairs), strict=True):
            if answer is not None and (answer > 0) - (answer < 0) != sign(self.asked[a, b]):
                raise SystemExit(f"{a} and {b}: {self.asked[a, b]} here, {answer} says the judge")
        return len(pairs)


def sign(number):
    return (number > 0) - (number < 0)


def compare_debian(a, b):
    """deb-version(7): epoch, upstream version, revision."""
    return sign_of(parts_of_debian(a), parts_of_debian(b))


def sign_of(a, b):
    return (a > b) - (a < b)


@functools.lru_cache(maxsize=None)
def parts_of_debian(version):
    epoch, _, rest = version.rpartition(":") if ":" in version else ("0", "", version)
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    return (int(epoch), debian_key(upstream), debian_key(revision or "0"))


def debian_key(text):
    """Turns of letters and numbers; `~` comes before the end, the end before letters, then the rest."""
    key = []
    for letters, number in re.findall(r"(\D*)(\d*)", text):
        if letters or number:
            ranks = [(-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256) for c in letters]
            key.append((tuple(ranks + [0]), int(number or 0)))
    return tuple(key + [((0,), 0)])


def compare_rpm(a, b):
    """rpm-version(7): epoch, version, release."""
    one, other = parts_of_rpm(a), parts_of_rpm(b)
    if one[0] != other[0]:
        return sign_of(one[0], other[0])
    first = segments(one[1], other[1])
    if first or not (one[2] and other[2]):
        return first
    return segments(one[2], other[2])


def parts_of_rpm(version):
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, release = rest.partition("-")
    return (int(epoch), upstream, release)


def segments(a, b):
    """`~` before everything, `^` after the end and before more; numbers beat letters."""
    if a == b:
        return 0
    one, other = (re.findall(r"\d+|[a-zA-Z]+|~|\^", text) for text in (a, b))
    for x, y in zip(one, other):
        if x != y and (answer := segment(x, y)):
            return answer
    if len(one) == len(other):
        return 0
    longer, direction = (one, 1) if len(one) > len(other) else (other, -1)
    more = longer[min(len(one), len(other))]
    return -direction if more == "~" else direction


def segment(x, y):
    for mark, answer in (("~", -1), ("^", -1)):
        if mark in (x, y):
            return answer if x == mark else -answer
    if x.isdigit() != y.isdigit():
        return 1 if x.isdigit() else -1
    return sign_of(int(x), int(y)) if x.isdigit() else sign_of(x, y)


SUFFIXES = ("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p")
APK = re.compile(r"(\d+(?:\.\d+)*)([a-z]?)((?:_[a-z]+\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?$")


def is_apk(version):
    match = APK.match(version)
    names = re.findall(r"_([a-z]+)", match[3]) if match else ()
    return bool(match) and all(name in SUFFIXES for name in names)


def compare_apk(a, b):
    """apk-package(5): numbers, a letter, suffixes, a revision."""
    return sign_of_apk(parts_of_apk(a), parts_of_apk(b))


def parts_of_apk(version):
    match = APK.match(version)
    suffixes = [
        (SUFFIXES.index(name), int(number or 0))
        for name, number in re.findall(r"_([a-z]+)(\d*)", match[3])
    ]
    return (match[1].split("."), (match[2], suffixes + [(4, 0)], int(match[5] or -1)))


def sign_of_apk(a, b):
    for at, (x, y) in enumerate(zip(a[0], b[0])):
        # Behind the first dot a number with a zero in front is a fraction.
        fraction = at and (x.startswith("0") or y.startswith("0"))
        answer = sign_of(x, y) if fraction else sign_of(int(x), int(y))
        if answer:
            return answer
    return sign_of(len(a[0]), len(b[0])) or sign_of(a[1], b[1])


def dpkg(pairs):
    for a, b in pairs:
        if a == b:
            yield 0
            continue
        asked = ["dpkg", "--compare-versions", a, "lt", b]
        yield -1 if subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0 else (
            0 if subprocess.run([*asked[:3], "eq", b], check=False).returncode == 0 else 1
        )


def rpm(pairs):
    lines = [f'print(rpm.vercmp("{a}", "{b}") .. " ")' for a, b in pairs]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        run = ["rpm", "--eval", f'%{{lua: dofile("{script.name}")}}']
        answers = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    return [int(answer) for answer in answers]


def apk(root):
    """The judge that lies in an unpacked root file system of Alpine; runs by the loader beside it."""
    libraries = f"{root}/lib:{root}/usr/lib"
    program = [f"{root}/lib/ld-musl-x86_64.so.1", "--library-path", libraries, f"{root}/sbin/apk"]

    def judge(pairs):
        signs = {"<": -1, "=": 0, ">": 1}
        for a, b in pairs:
            run = [*program, "version", "-t", "--", a, b]
            said = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
            yield signs[said]

    return judge
