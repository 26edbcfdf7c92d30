"""run_pipeline on every difficult company: a report, or one sentence. Minutes per company."""

from __future__ import annotations

import pytest

from tests.difficult.companies import COMPANIES, company
from tests.difficult.pipeline import run

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", COMPANIES)
def test_a_difficult_company_ends_with_a_report_or_one_sentence(name, tmp_path):
    ended = run(company(name), tmp_path)
    assert ended.faults == [], ended.said[-3000:] + ended.errors[-3000:]
