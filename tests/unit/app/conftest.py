"""The small company of the app's tests, and pages run without a browser."""

from __future__ import annotations

import shutil

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.lake import Lake
from tests.unit.app.small_lake_folder import write_company


@pytest.fixture(scope="session")
def company_files(tmp_path_factory):
    """The files of the small company, which no test changes."""
    root = tmp_path_factory.mktemp("company")
    write_company(root)
    return root


@pytest.fixture
def lake(tmp_path, company_files):
    """The lakehouse of the small company."""
    shutil.copytree(company_files, tmp_path, dirs_exist_ok=True)
    yield Lake(tmp_path)
    st.cache_data.clear()
    st.cache_resource.clear()


def _script(page, root, role, as_of):
    import datetime as dt
    import importlib
    from pathlib import Path

    from app.identity import User
    from app.lake import Lake
    from app.session import Session
    from runtime.settings import load

    settings = load("demo")
    user = User("ann", role)
    session = Session(settings, Lake(Path(root)), dt.date.fromisoformat(as_of), user)
    importlib.import_module(f"app.screens.{page}").show(session)


@pytest.fixture
def shown(lake):
    """A function that runs a page of the small company and returns what it shows."""

    def run(page, *, role="editor", as_of="2024-06-01", customer=None):
        test = AppTest.from_function(
            _script, default_timeout=60, args=(page, str(lake.root), role, as_of)
        )
        if customer:
            test.query_params["customer"] = customer
        test.run()
        assert [e.message for e in test.exception] == []
        return test

    return run


def paragraphs(test):
    """The paragraphs of a page, without the signs that keep Markdown literal."""
    return [m.value.replace("\\", "") for m in test.markdown]


def title_of(test):
    """The title of a page."""
    (title,) = test.title
    return title.value.replace("\\", "")
