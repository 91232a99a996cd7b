"""The bill of materials of a card's image, as SPDX 2.3 JSON: every Debian package and every wheel, with hashes.

python3 sbom.py NAME PACKAGES WHEELS.lock EPOCH
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

Package = dict[str, Any]


def debian_packages(text: str) -> list[Package]:
    """Of lines "name version architecture sha256"; "-" for a hash that is not known."""
    return [_debian(*line.split()) for line in text.splitlines()]


def _debian(name: str, version: str, architecture: str, sha256: str) -> Package:
    vendor = "offhook" if name == "offhook" else "debian"
    locator = f"pkg:deb/{vendor}/{quote(name)}@{quote(version)}?arch={architecture}"
    return _package(f"deb-{name}", name, version, locator, sha256)


def wheels(text: str) -> list[Package]:
    """Of lines "name==version --hash=sha256:..."."""
    found = re.findall(r"^(\S+)==(\S+) --hash=sha256:([0-9a-f]{64})$", text, flags=re.MULTILINE)
    return [
        _package(f"pypi-{name}", name, version, f"pkg:pypi/{name.replace('_', '-')}@{version}", sha256)
        for name, version, sha256 in found
    ]


def _package(identifier: str, name: str, version: str, locator: str, sha256: str) -> Package:
    package: Package = {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", identifier),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
        ],
    }
    if sha256 != "-":
        package["checksums"] = [{"algorithm": "SHA256", "checksumValue": sha256}]
    return package


def document(name: str, packages: list[Package], epoch: int) -> dict[str, Any]:
    """The whole document; its name space follows from what is in it, so that the same image has the same document."""
    digest = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    described = [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": one["SPDXID"]}
        for one in packages
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{digest}",
        "creationInfo": {
            "created": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: offhook-image-build"],
        },
        "packages": packages,
        "relationships": described,
    }


def main(name: str, packages: str, lock: str, epoch: str) -> None:
    """Print the document."""
    listed = debian_packages(Path(packages).read_text()) + wheels(Path(lock).read_text())
    print(json.dumps(document(name, listed, int(epoch)), indent=1, sort_keys=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
