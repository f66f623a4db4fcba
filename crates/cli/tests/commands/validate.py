"""Judges CycloneDX documents by tools that we did not write.

Arguments are files; complaints go to stdout, and the exit code is 1 if there are any. Its needs
(cyclonedx-python-lib with the official JSON schema, license-expression, packageurl-python) are
what `cargo xtask test` installs into target/tools/cyclonedx.
"""

import json
import re
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL


def complaints(text):
    """What is wrong with one document."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        yield f"schema: {error.data.message} at {error.data.json_path}"
    licensing = get_spdx_licensing()
    for component in json.loads(text)["components"]:
        purl = component.get("purl")
        if purl is not None and canonical(purl) != purl:
            yield f"purl: {purl} should be {canonical(purl)}"
        for choice in component.get("licenses", []):
            for error in licensing.validate(choice.get("expression", "MIT")).errors:
                yield f"license: {choice['expression']}: {error}"


def canonical(purl):
    """As packageurl-python spells it, but for the digits of escapes: RFC 3986 wants capitals."""
    spelled = PackageURL.from_string(purl).to_string()
    return re.sub("%[0-9a-f]{2}", lambda escape: escape.group().upper(), spelled)


def main():
    bad = False
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as document:
            for complaint in complaints(document.read()):
                print(f"{name}: {complaint}")
                bad = True
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
