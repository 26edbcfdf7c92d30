"""Chromium without a screen, for the tests of the app: pages, buttons, axe-core, screenshots."""

from __future__ import annotations

import importlib.resources
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="bin/setup acceptance installs it")
by = pytest.importorskip("selenium.webdriver.common.by").By
exceptions = pytest.importorskip("selenium.common.exceptions")
keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
service = pytest.importorskip("selenium.webdriver.chrome.service").Service

PHONE, DESKTOP = (390, 800), (1366, 900)
TALLEST = 6_000
SECONDS, LOOK = 60, 0.3
FAULTS = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(result => done(result.violations
    .filter(fault => ['serious', 'critical'].includes(fault.impact))
    .flatMap(fault => fault.nodes.map(node => fault.id + ': ' + node.html.slice(0, 160)))));
"""
# An empty date has no aria-valuenow, which ARIA 1.2 allows and this axe-core (4.4) does not know.
EMPTY_DATE = 'role="spinbutton" aria-valuetext="Empty"'


class Browser:
    """One window on the app at `address`."""

    def __init__(self, address, size=DESKTOP, *, is_dark=False):
        self.address, self.size = address, size
        options = webdriver.ChromeOptions()
        width, height = size
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_argument(f"--window-size={width},{height}")
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            options=options, service=service(shutil.which("chromedriver"))
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
        self._resize(height)

    def _resize(self, height):
        width = self.size[0]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {**metrics, "mobile": width < 600}
        )

    def open(self):
        """The first page. Returns the seconds until its title was there."""
        began = time.monotonic()
        self.driver.get(self.address)
        self.settle()
        return time.monotonic() - began

    def settle(self):
        """Wait until the page has run and has a title."""
        ready = """const app = document.querySelector('[data-testid=stApp]');
            return app && app.dataset.testScriptState === 'notRunning'
                && document.querySelector('h1') !== null;"""
        self.wait(lambda: self.driver.execute_script(ready), "a page with a title")
        time.sleep(LOOK)

    def wait(self, condition, what, seconds=SECONDS):
        """The first true value of the condition. AssertionError with the page's text: none came."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(
                exceptions.StaleElementReferenceException, exceptions.NoSuchElementException
            ):
                if value := condition():
                    return value
            time.sleep(LOOK)
        raise AssertionError(f"{what} did not appear in {seconds} s. The page:\n{self.text}")

    @property
    def text(self):
        """All text of the page."""
        return self.driver.find_element(by.TAG_NAME, "body").text

    @property
    def title(self):
        """The title of the page."""
        return self.driver.find_element(by.TAG_NAME, "h1").text

    def titled(self, text):
        """Wait until the page has this title and has run."""
        self.wait(lambda: self.title == text, f"the title {text!r}")
        self.settle()

    def shows(self, text, seconds=SECONDS):
        """Wait until the page has this text."""
        return self.wait(lambda: text in self.text, repr(text), seconds)

    def page(self, name):
        """Open a page by its link in the side bar."""
        for button in self._visible("[data-testid=stExpandSidebarButton]"):
            button.click()
            time.sleep(2 * LOOK)
        link = f"//a[@data-testid='stSidebarNavLink'][.//span[@label='{name}']]"
        links = self.wait(lambda: self.driver.find_elements(by.XPATH, link), f"the page {name}")
        self.driver.execute_script("arguments[0].click()", links[0])
        current = f"{link}[@aria-current='page']"
        self.wait(lambda: self.driver.find_elements(by.XPATH, current), f"{name} as current page")
        time.sleep(2 * LOOK)
        self.settle()
        if self.size[0] < 600:
            for button in self._visible("[data-testid=stSidebarCollapseButton] button"):
                button.click()
                time.sleep(2 * LOOK)

    def _visible(self, selector):
        return [e for e in self.driver.find_elements(by.CSS_SELECTOR, selector) if e.is_displayed()]

    def click(self, label, seconds=SECONDS):
        """Click the button that begins with this label."""
        path = f"//button[starts-with(normalize-space(.//p), '{label}')]"

        def clicked():
            for button in self.driver.find_elements(by.XPATH, path):
                if button.is_displayed() and button.is_enabled():
                    with suppress(exceptions.ElementClickInterceptedException):
                        button.click()
                        return True
            return False

        self.wait(clicked, f"the button {label}", seconds)
        time.sleep(2 * LOOK)

    def choose(self, label, text):
        """Type a value into the select box with this label."""
        path = f"//div[@data-testid='stSelectbox'][.//*[normalize-space()='{label}']]//input"
        box = self.wait(lambda: self.driver.find_elements(by.XPATH, path), f"the box {label}")[0]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
        box.click()
        box.send_keys(keys.CONTROL, "a")
        box.send_keys(text)
        time.sleep(2 * LOOK)
        box.send_keys(keys.ENTER)
        time.sleep(2 * LOOK)
        self.settle()

    def press(self, selector, *pressed):
        """Send keys to the first element of a CSS selector."""
        self.driver.find_element(by.CSS_SELECTOR, selector).send_keys(*pressed)
        time.sleep(3 * LOOK)
        self.settle()

    def upload(self, file):
        """Choose a file in the form of the page."""
        self.driver.find_element(by.CSS_SELECTOR, "input[type=file]").send_keys(str(file))

    def faults(self):
        """The serious accessibility faults of the page, by axe-core."""
        script = importlib.resources.files("axe_core_python") / "axe.min.js"
        self.driver.execute_script(script.read_text(encoding="utf-8"))
        return [f for f in self.driver.execute_async_script(FAULTS) if EMPTY_DATE not in f]

    def errors(self):
        """The errors of the console since the last call."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def is_too_wide(self):
        """Whether the page must be scrolled sideways."""
        script = """const main = document.querySelector('[data-testid=stMain]');
            return main.scrollWidth > main.clientWidth;"""
        return self.driver.execute_script(script)

    def picture(self, file: Path):
        """The whole page as PNG."""
        script = "return document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight"
        self._resize(min(max(int(self.driver.execute_script(script)) + 80, 700), TALLEST))
        time.sleep(2 * LOOK)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(file))
        self._resize(self.size[1])

    def close(self):
        """End the browser."""
        self.driver.quit()
