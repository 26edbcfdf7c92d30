"""The contracts in ODCS agree with contracts/, and keep the standard."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import ValidationError

from contracts import catalog
from contracts.table import LAYERS
from docs import data_contracts, generate

ROOT = Path(__file__).parents[2]
FILES = {layer: ROOT / "docs" / "contracts" / f"{layer}.odcs.yaml" for layer in LAYERS}


@pytest.fixture(scope="module", params=FILES)
def contract(request) -> OpenDataContractStandard:
    """One stored contract, read by the model of the standard, which refuses unknown fields."""
    return OpenDataContractStandard.model_validate(
        yaml.safe_load(FILES[request.param].read_text(encoding="utf-8"))
    )


def test_each_contract_keeps_the_standard_and_has_the_version_of_the_package(contract):
    assert (contract.kind, contract.apiVersion) == ("DataContract", "v3.1.0")
    assert contract.version == generate.package_version()


def test_tables_columns_types_nulls_keys_and_personal_data_agree(contract):
    layer = contract.name.removeprefix("holdfast_")
    tables = [t for t in catalog.tables().values() if t.layer == layer]
    assert [o.physicalName for o in contract.schema_] == [t.name for t in tables]
    for stated, table in zip(contract.schema_, tables, strict=True):
        for told, column in zip(stated.properties, table.columns, strict=True):
            assert (told.name, told.physicalType, told.description, told.required) == (
                *(column.name, column.type, column.comment, not column.nullable),
            )
            assert (told.classification == "confidential") == column.personal
        keyed = [p for p in stated.properties if p.primaryKey]
        ordered = sorted(keyed, key=lambda p: p.primaryKeyPosition)
        assert tuple(p.name for p in ordered) == table.key


def test_each_row_rule_is_a_quality_rule_and_a_key_is_unique(contract):
    for stated in contract.schema_:
        table = catalog.tables()[stated.physicalName]
        rules = {q.name: q for q in stated.quality or []}
        assert rules.pop("unique_key", None) is not None or not table.key
        assert list(rules) == [rule.name for rule in table.rules]
        for rule in table.rules:
            assert rule.passes in rules[rule.name].query
            assert (rules[rule.name].severity == "error") == (rule.severity == "reject")


def test_a_field_that_the_standard_does_not_have_is_refused():
    content = data_contracts.data_contract("gold", catalog.tables().values(), "1")
    OpenDataContractStandard.model_validate(content)
    with pytest.raises(ValidationError, match="kolumns"):
        OpenDataContractStandard.model_validate({**content, "kolumns": []})
