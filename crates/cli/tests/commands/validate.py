"""Judges bills of materials, and test results, by tools and schemas that we did not write.

Arguments are files, their formats told by their names' endings; complaints go to stdout, and the
exit code is 1 if there are any. Its needs (cyclonedx-python-lib with the official schemas,
spdx-tools, license-expression, packageurl-python) are what `cargo xtask test` installs into
target/tools/sbom; the schema of test results lies in target/tools/junit.
"""

import json
import re
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from cyclonedx.validation.xml import XmlValidator
from license_expression import get_spdx_licensing
from lxml import etree
from packageurl import PackageURL
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def cyclonedx_json(name):
    """What is wrong with one document."""
    text = read(name)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        yield f"schema: {error.data.message} at {error.data.json_path}"
    licensing = get_spdx_licensing()
    document = json.loads(text)
    for component in document["components"]:
        purl = component.get("purl")
        if purl is not None and canonical(purl) != purl:
            yield f"purl: {purl} should be {canonical(purl)}"
        for choice in component.get("licenses", []):
            for error in licensing.validate(choice.get("expression", "MIT")).errors:
                yield f"license: {choice['expression']}: {error}"
    known = {it["bom-ref"] for it in document["components"]}
    for dependency in document["dependencies"]:
        for reference in dependency.get("dependsOn", []):
            if reference not in known:
                yield f"dependency: {reference} is nowhere"


def cyclonedx_xml(name):
    error = XmlValidator(SchemaVersion.V1_6).validate_str(read(name))
    if error is not None:
        yield f"schema: {error.data}"


def spdx(name):
    try:
        document = parse_file(name)
    except SPDXParsingError as error:
        yield from (f"syntax: {message}" for message in error.get_messages())
        return
    for message in validate_full_spdx_document(document, "SPDX-2.3"):
        yield f"content: {message.validation_message}"


def junit(name):
    schema = etree.XMLSchema(etree.parse(JUNIT))
    if not schema.validate(etree.parse(name)):
        yield from (f"schema: {error.message}" for error in schema.error_log)


def read(name):
    with open(name, encoding="utf-8") as document:
        return document.read()


def canonical(purl):
    """As packageurl-python spells it, but for the digits of escapes: RFC 3986 wants capitals."""
    spelled = PackageURL.from_string(purl).to_string()
    return re.sub("%[0-9a-f]{2}", lambda escape: escape.group().upper(), spelled)


JUNIT = (
    Path(__file__).parents[4]
    / "target/tools/junit/pytest-8.3.5/testing/example_scripts/junit-10.xsd"
)
JUDGES = {
    ".cdx.json": cyclonedx_json,
    ".cdx.xml": cyclonedx_xml,
    ".spdx.json": spdx,
    ".spdx": spdx,
    ".junit.xml": junit,
}


def main():
    bad = False
    for name in sys.argv[1:]:
        judge = next(judge for end, judge in JUDGES.items() if name.endswith(end))
        for complaint in judge(name):
            print(f"{name}: {complaint}")
            bad = True
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
