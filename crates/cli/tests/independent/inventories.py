"""What is installed in an image, read another way: by `rpm` itself, and from the databases' own texts.

Also the files of languages in an archive of `docker save`, each by its own plain form: `package.json`,
gemspecs, Python's metadata, and which release of Go a program was built with.
"""

import email.parser
import json
import re
import struct
import subprocess
import tarfile
from pathlib import Path

import enterprise

GO_MARK = b"\xff Go buildinf:"
LANGUAGES = re.compile(
    r"(node_modules/.*|usr/share/nodejs/.*)/package\.json$"
    r"|specifications/(default/)?[^/]+\.gemspec$"
    r"|\.dist-info/METADATA$|\.egg-info/PKG-INFO$|\.egg-info$"
)


def unpacked(archive, folder):
    """What an ordinary user may not create (devices) does not matter here."""
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=False, stderr=subprocess.DEVNULL)
    return Path(folder)


def release(root):
    fields = fields_of((root / "etc/os-release").read_text(encoding="utf-8").splitlines(), "=")
    return {key: value.strip('"') for key, value in fields.items()}


def fields_of(lines, mark):
    return dict(line.split(mark, 1) for line in lines if mark in line and not line.startswith(" "))


def apk(root):
    """apk-installed(5): P, V, A, o. One (name, version, architecture, origin) a package."""
    text = (root / "lib/apk/db/installed").read_text(encoding="utf-8")
    for paragraph in text.split("\n\n"):
        if fields := fields_of(paragraph.splitlines(), ":"):
            yield fields["P"], fields["V"], fields["A"], fields.get("o") or fields["P"]


def dpkg(text):
    """deb822(5): what is installed as (name, version, architecture, source, its version)."""
    for paragraph in text.split("\n\n"):
        fields = {key: value.strip() for key, value in fields_of(paragraph.splitlines(), ":").items()}
        if not fields or fields["Status"].split()[-1] in ("not-installed", "config-files"):
            continue
        source = re.fullmatch(r"(\S+)(?: \((.+)\))?", fields.get("Source") or fields["Package"])
        source_version = source[2] or fields["Version"]
        yield fields["Package"], fields["Version"], fields["Architecture"], source[1], source_version


FORM = "%{NAME}|%|EPOCH?{%{EPOCH}}:{0}||%{VERSION}|%{RELEASE}|%{ARCH}|%{SOURCERPM}|"
FORM += "%{MODULARITYLABEL}\\n"
TAGS = {"name": 1000, "epoch": 1003, "version": 1001, "release": 1002, "arch": 1022, "source": 1044}


def rpm(folder):
    """As `rpm -qa` lists the database in the folder; NDB, which Debian's rpm was built without, by hand."""
    if (ndb := Path(folder) / "Packages.db").exists():
        packages = [[*header(blob), "(none)"] for blob in blobs(ndb.read_bytes())]
    else:
        asked = ["rpm", "--dbpath", str(folder), "-qa", "--qf", FORM]
        said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        packages = [line.split("|") for line in said.splitlines()]
    for name, epoch, version, release, architecture, source, label in packages:
        if name == "gpg-pubkey":
            continue
        built = re.fullmatch(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm", source)
        module = label.split(":") if label != "(none)" else None
        installed = enterprise.Installed(
            name,
            enterprise.evr(epoch, f"{version}-{release}"),
            *(built.groups() if built else (None, None)),
            *((":".join(module[:2]), module[2]) if module else (None, None)),
        )
        installed.architecture = architecture
        yield installed


def blobs(database):
    """rpm, lib/backend/ndb/rpmpkg.c: slots of 16 bytes name where the header of each package lies."""
    pages = struct.unpack_from("<I", database, 12)[0]
    for at in range(32, pages * 4096, 16):
        mark, number, block, _ = struct.unpack_from("<4sIII", database, at)
        if mark == b"Slot" and block:
            blob, owner, _, length = struct.unpack_from("<4sIII", database, block * 16)
            if (blob, owner) != (b"BlbS", number):
                raise SystemExit(f"package {number} of the database has no header")
            yield database[block * 16 + 16 : block * 16 + 16 + length]


def header(blob):
    """rpm, docs/manual/format.md: entries of tag, type, offset and count before what they point into."""
    count, _ = struct.unpack_from(">II", blob)
    store = blob[8 + 16 * count :]
    entries = (struct.unpack_from(">IIII", blob, 8 + 16 * at) for at in range(count))
    at_tag = {tag: (kind, offset) for tag, kind, offset, _ in entries}
    for name, tag in TAGS.items():
        kind, offset = at_tag.get(tag, (None, 0))
        if kind == 4:
            yield str(struct.unpack_from(">I", store, offset)[0])
        elif kind is None:
            yield "0" if name == "epoch" else "(none)"
        else:
            yield store[offset : store.index(b"\0", offset)].decode()


class Saved:
    """An archive of `docker save`: what is asked for, as the layers leave it."""

    def __init__(self, archive):
        self.files = {}  # path: bytes, of what is read
        self.linked = {}  # path: what it points at
        with tarfile.open(archive) as outer:
            layers = json.load(outer.extractfile("manifest.json"))[0]["Layers"]
            for layer in layers:
                with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                    self.add(inner)

    def add(self, layer):
        """A layer's files take the place of those below; `.wh.` takes away, `.wh..wh..opq` all in a folder."""
        new = {}
        for member in layer:
            path = member.name.removeprefix("./")
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                self.remove(folder + "/")
            elif name.startswith(".wh."):
                self.remove(f"{folder}/{name.removeprefix('.wh.')}")
            elif member.isfile() and (is_wanted(path) or member.mode & 0o111):
                if content := wanted(path, layer.extractfile(member)):
                    new[path] = content
        self.files |= new

    def remove(self, path):
        gone = [known for known in self.files if known == path.rstrip("/") or known.startswith(path)]
        for known in gone:
            del self.files[known]

    def owned(self):
        """Paths that packages of the distribution brought."""
        lists = (text for path, text in self.files.items() if path.endswith(".list"))
        lines = (line for text in lists for line in text.decode().splitlines())
        # `/lib` and the like are links into `/usr`.
        return {re.sub(r"^/(usr/)?", "", line) for line in lines}

    def languages(self):
        """(type, name, version, path) of each file that says so."""
        for path, content in sorted(self.files.items()):
            if LANGUAGES.search(path) and (said := read_language(path, content)):
                yield (*said, path)
            elif content.startswith(b"go1."):
                yield "golang", "stdlib", content.decode().removeprefix("go"), path


def is_wanted(path):
    return bool(LANGUAGES.search(path)) or path.startswith("var/lib/dpkg/")


def wanted(path, file):
    """The bytes of what is read as a text; of a program the release of Go, if it is of any."""
    if is_wanted(path):
        return file.read()
    if file.read(4) != b"\x7fELF":
        return None
    return go_release(file.read())


def go_release(program):
    """debug/buildinfo: behind the mark two bytes, then, from Go 1.18 on, a text with its length in front."""
    at = program.find(GO_MARK)
    while at >= 0:
        flags = program[at + 15] if at + 15 < len(program) else 0
        if flags & 2:
            length = program[at + 32]
            return program[at + 33 : at + 33 + length]
        at = program.find(GO_MARK, at + 1)
    return None


def read_language(path, content):
    text = content.decode("utf-8", errors="replace")
    if path.endswith("package.json"):
        try:
            said = json.loads(text)
        except ValueError:
            return None
        named = isinstance(said.get("name"), str) and isinstance(said.get("version"), str)
        # Node.js loads what is in `node_modules`; of Debian's folder what is called as its place is.
        folder = path.removesuffix("/package.json").removeprefix("usr/share/nodejs/")
        is_there = named and said["version"] and ("node_modules/" in path or folder == said["name"])
        return ("npm", said["name"], said["version"]) if is_there else None
    if path.endswith(".gemspec"):
        name = re.search(r"^\s*s\.name = \"(.+?)\"", text, re.M)
        version = re.search(r"^\s*s\.version = \"(.+?)\"", text, re.M)
        return ("gem", name[1], version[1]) if name and version else None
    said = email.parser.Parser().parsestr(text, headersonly=True)
    name = re.sub(r"[-_.]+", "-", said["Name"]).lower()
    return "pypi", name, said["Version"]
