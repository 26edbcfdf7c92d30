"""The app in a real browser: every page, light and dark, desktop and phone, and a file's whole way.

Set HOLDFAST_SCREENSHOTS to a folder to keep the pictures.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.data import tasks, texts
from app.lake import Lake
from docs.examples.messy_export import messy_export, write as write_export
from tests.unit.app.small_lake_folder import write, write_company
from tests.unit.app.test_changes import text

browser = pytest.importorskip("tests.browser", reason="bin/setup acceptance installs selenium")
pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(3000)]
ROOT = Path(__file__).parents[2]
PAGES = {
    "Today": "Contact 1 customer",
    "Customers": "5 customers, $1,060 at risk",
    "Which 20 %": "20 % of 5 customers: 1 customer, $80.00 net",
    "Segments": "The segment Champions has $700 at risk, 66 % of all",
    "Campaigns": "No campaign has been measured against a control group",
    "Live": "No live data yet",
    "Models": "No model has been trained yet",
    "Your own data": "Upload your orders, get the customers to keep",
}
CONF = """
currency: USD
lakehouse: {{root: "{root}"}}
app: {{port: {port}}}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The running app over the small company, which no test of this module may rely on alone."""
    folder, port = tmp_path_factory.mktemp("app"), free_port()
    root, conf = folder / "lake", folder / "conf"
    write_company(root)
    write(root, "gold.text_pool", [text("t1"), text("t2")])
    conf.mkdir()
    (conf / "shop.yaml").write_text(CONF.format(root=root, port=port), encoding="utf-8")
    command = [sys.executable, "-m", "app", "--env", "shop", "--conf-dir", str(conf)]
    with (folder / "app.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        yield f"http://127.0.0.1:{port}", Lake(root)
        process.terminate()
        process.wait(30)
    assert b"Traceback" not in (folder / "app.log").read_bytes()


@pytest.fixture
def opened(app):
    """A function that opens the app in a window; all windows are closed afterwards."""
    windows = []

    def run(size=browser.DESKTOP, *, is_dark=False):
        window = browser.Browser(app[0], size, is_dark=is_dark)
        windows.append(window)
        for _ in range(120):  # the app starts
            try:
                window.open()
                return window
            except browser.exceptions.WebDriverException:
                browser.time.sleep(1)
        raise AssertionError("the app did not start")

    yield run
    for window in windows:
        window.close()


@pytest.fixture
def pictures(tmp_path):
    """Where screenshots are written."""
    return Path(os.environ.get("HOLDFAST_SCREENSHOTS", tmp_path))


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [browser.DESKTOP, browser.PHONE], ids=["desktop", "phone"])
def test_every_page_is_accessible_and_without_errors(size, is_dark, opened, pictures):
    window = opened(size, is_dark=is_dark)
    faults = []
    for name, title in PAGES.items():
        window.page(name)
        window.titled(title)
        faults += [f"{name}: {fault}" for fault in window.faults()]
        if window.is_too_wide():
            faults.append(f"{name}: must be scrolled sideways")
        kind = f"{size[0]}-{'dark' if is_dark else 'light'}"
        window.picture(pictures / f"{name.replace(' ', '-').lower()}-{kind}.png")

    assert faults == []
    assert window.errors() == []


def test_the_slider_is_moved_by_the_keyboard(opened):
    window = opened()
    window.page("Which 20 %")

    window.press("[data-testid=stSlider] input", *[browser.keys.ARROW_RIGHT] * 20)

    window.titled("40 % of 5 customers: 2 customers, $110 net")  # 80 + 40 - 10


def test_customers_are_filtered(opened):
    window = opened()
    window.page("Customers")

    window.choose("Segment", "At Risk")

    window.titled("3 customers, $360 at risk")  # 200 + 160 + 0


def test_a_text_is_approved_and_an_outcome_noted(opened, app):
    window, lake = opened(), app[1]
    window.page("Campaigns")

    window.click("Approve")
    window.shows("Approved: A text t1.")
    window.choose("Customer", "a")
    window.click("Note the outcome")
    window.shows("Noted: customer a, done.")

    assert texts.counts(lake) == {"approved": 1, "waiting": 1}
    (campaign,) = tasks.playbooks(lake, tasks_date(lake))
    assert tasks.counts(lake, campaign) == {"done": 1}
    assert window.errors() == []


def tasks_date(lake):
    return lake.row("SELECT max(as_of) AS day FROM {gold.customer_scores}")["day"]


def test_a_wrong_file_gets_a_sentence_that_helps(opened, tmp_path):
    wrong = tmp_path / "letter.csv"
    wrong.write_text("Dear customer\nthank you\n", encoding="utf-8")
    window = opened()
    window.page("Your own data")

    window.upload(wrong)
    window.click("Read the file")

    window.shows("upload.csv has one column only: its first line is 'Dear customer'.")


def test_an_export_becomes_a_list_of_customers_to_contact(opened, tmp_path, pictures):
    """The whole way in the browser, with nothing but what the screen says."""
    export = tmp_path / "orders 2025.csv"
    write_export(messy_export(600), export)
    window = opened()
    window.page("Your own data")

    window.upload(export)
    window.click("Read the file")
    window.shows("Are these the right columns?")
    window.settle()
    assert window.faults() == []
    window.picture(pictures / "upload-columns.png")
    window.click("The columns are right")
    window.shows("How should the customers be scored?", 600)
    window.settle()
    assert "6,468" in window.text  # rows in the file
    assert window.faults() == []
    window.picture(pictures / "upload-quality.png")
    window.click("Train on my data")
    window.shows("Download the list (CSV)", 2400)
    window.settle()
    assert window.faults() == []
    window.picture(pictures / "upload-results.png")
    window.page("Today")

    window.wait(
        lambda: window.title.startswith("Contact ") and window.title != PAGES["Today"],
        "the list of the upload",
    )
    window.picture(pictures / "upload-today.png")
    assert window.errors() == []
