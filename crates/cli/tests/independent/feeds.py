"""The publishers' files: whole, as archives beside the repository, or the excerpt's folders and texts, which
are called alike."""

import gzip
import subprocess
import tempfile
from pathlib import Path

from known import Known


class Feeds:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.work = tempfile.TemporaryDirectory(prefix="lazaret-feeds-")

    def path(self, name):
        """What is imported: the file or folder that is called so, whatever its date."""
        return next(iter(sorted(self.folder.glob(f"{name}*"))))

    def paths(self, *names):
        return [self.path(name) for name in names]

    def documents(self, name):
        """A folder with the documents."""
        path = self.path(name)
        if path.is_dir():
            return path
        target = Path(self.work.name) / name
        target.mkdir(exist_ok=True)
        subprocess.run(["tar", "-I", "zstd", "-xf", path, "-C", target], check=True)
        return target

    def content(self, name):
        """The bytes of a single document."""
        path = self.path(name)
        if path.suffix == ".zst":
            return subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content

    def known(self):
        return Known(self.content("epss_scores").decode(), self.content("cisa-kev"))

    # What every scan asks beside the streams of its packages.
    KNOWN = ("epss_scores", "cisa-kev")
