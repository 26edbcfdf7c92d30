"""make sbom: the packages of the users' locks in CycloneDX format. It installs its tool from PyPI."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("", "-duckdb", "-connect", "-service", "-app")


def test_each_package_of_the_locks_is_listed_once_with_its_version_and_hashes(tmp_path):
    for folder in ("one", "two"):
        subprocess.run([ROOT / "bin" / "sbom", tmp_path / folder], check=True, cwd=tmp_path)
    text = (tmp_path / "one" / "sbom.cdx.json").read_text()
    assert text == (tmp_path / "two" / "sbom.cdx.json").read_text()
    content = json.loads(text)
    assert (content["bomFormat"], content["specVersion"]) == ("CycloneDX", "1.6")
    locked = set()
    for name in LOCKS:
        lines = (ROOT / f"requirements{name}.txt").read_text()
        locked |= set(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^ ;]+)", lines, re.MULTILINE))
    listed = [(c["name"], c["version"]) for c in content["components"]]
    assert len(listed) == len(set(listed)) and set(listed) == locked
    for component in content["components"]:
        assert component["purl"].startswith("pkg:pypi/")
        (reference,) = [r for r in component["externalReferences"] if r["type"] == "distribution"]
        assert all(h["alg"] == "SHA-256" for h in reference["hashes"]) and reference["hashes"]
