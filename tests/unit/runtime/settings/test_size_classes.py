"""Settings by size of the company: what changes, what the user set, and what the line says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from runtime import settings
from runtime.settings.size_classes import SIZE_CLASSES, flat, settings_by_size, size_class

ROOT = Path(__file__).parents[4]


@pytest.fixture
def acme(tmp_path):
    """A function that loads conf/acme.yaml with a text, with a copied defaults.yaml beside it."""

    def load(text="", defaults=None, **options):
        (tmp_path / "acme.yaml").write_text(text)
        if defaults is not None:
            package = (settings.package_conf() / "defaults.yaml").read_text()
            (tmp_path / "defaults.yaml").write_text(defaults(package))
        settings.use_conf_dir(str(tmp_path))
        return settings.load("acme", **options)

    yield load
    settings.use_conf_dir(None)


@pytest.mark.parametrize(
    ("customers", "name"),
    [(0, "small"), (10_000, "small"), (10_001, "medium"), (100_000, "medium"), (100_001, "large")],
)
def test_the_class_of_a_number_of_customers(customers, name):
    assert size_class(customers).name == name


def test_a_small_company_has_the_settings_of_conf(acme):
    given = acme()
    sized, line = settings_by_size(given, 2_469)
    assert sized == given
    assert line == "settings by size: small (up to 10,000 customers): as in conf/defaults.yaml"


def test_a_large_company_has_fewer_fits(acme):
    sized, line = settings_by_size(acme(), 5_000_000)
    assert sized.training.learners == ["xgboost", "random_forest", "logistic_regression"]
    assert (sized.training.search, sized.training.stability.folds) == ("none", 3)
    assert (sized.training.compare_feature_sets, sized.lifetime.backtest.cuts) == (False, 2)
    assert line == (
        "settings by size: large (more customers): training.learners [xgboost, random_forest, "
        "logistic_regression], training.search none, training.stability.folds 3, "
        "training.compare_feature_sets false, lifetime.backtest.cuts 2"
    )


def test_what_the_user_sets_is_kept_wherever_it_is_set(acme, monkeypatch):
    """By the file, a variable, an option, and a section that is one value of an own defaults.yaml."""
    monkeypatch.setenv("HOLDFAST__LIFETIME__BACKTEST__CUTS", "3")
    given = acme(
        "training: {learners: [xgboost, multilayer_perceptron]}",
        lambda text: text.replace("compare_feature_sets: true", "compare_feature_sets: false"),
        training={"search": "full"},
    )
    sized, line = settings_by_size(given, 100_001)
    assert sized.training.learners == ["xgboost", "multilayer_perceptron"]
    assert (sized.training.search, sized.lifetime.backtest.cuts) == ("full", 3)
    assert line == (
        "settings by size: large (more customers): training.stability.folds 3; yours: "
        "training.learners, training.search, training.compare_feature_sets, lifetime.backtest.cuts"
    )


def test_a_value_that_equals_the_default_is_kept_too(acme):
    sized, _ = settings_by_size(acme("training: {stability: {folds: 10}}"), 100_001)
    assert sized.training.stability.folds == 10


def test_a_copy_of_the_default_file_gives_nothing(acme):
    assert acme("", lambda text: text).given == frozenset()


def test_each_setting_by_size_exists_in_the_defaults_with_its_price():
    """The line of conf, or the comment above it, says how many fits the setting costs."""
    file = settings.package_conf() / "defaults.yaml"
    known = flat(yaml.safe_load(file.read_text()))
    names = {name for c in SIZE_CLASSES for name in c.settings}
    assert names <= set(known)
    lines = file.read_text().splitlines()
    for name in names:
        key = name.rpartition(".")[2]
        places = [n for n, line in enumerate(lines) if line.strip().startswith(f"{key}:")]
        near = [" ".join(lines[max(n - 5, 0) : n + 1]).lower() for n in places]
        assert any("fits" in text and "by size" in text for text in near), name


def test_the_classes_ascend_and_the_last_one_has_no_limit():
    *limits, last = [c.most_customers for c in SIZE_CLASSES]
    assert limits == sorted(limits) and last is None


def test_the_page_on_own_data_has_a_row_per_setting():
    page = (ROOT / "docs" / "own_data.md").read_text()
    section = page.partition("### Settings by size\n")[2]
    rows = [line.split("|")[1].strip(" `") for line in section.splitlines() if line[:3] == "| `"]
    assert rows == list(SIZE_CLASSES[-1].settings)
