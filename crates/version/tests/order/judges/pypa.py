# Python's `packaging` answers: `order A B` by < = >, `range R V` by in or out; ! where it refuses.
import sys
from packaging.specifiers import SpecifierSet
from packaging.version import Version


def answer(kind, first, second):
    second = Version(second)
    if kind == "range":
        # Advisories speak of pre-releases as of all others.
        return "in" if SpecifierSet(first).contains(second, prereleases=True) else "out"
    first = Version(first)
    return "<" if first < second else ">" if first > second else "="


for line in sys.stdin.buffer.read().decode().split("\n")[:-1]:
    try:
        print(answer(*line.split("\t")))
    except Exception:
        print("!")
