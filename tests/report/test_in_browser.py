"""report.html in a real browser: it sorts and filters, fetches nothing, logs no error, and fits a phone."""

import json
import shutil

import pytest

import visualization
from tests.support.spectral_folders import make

selenium = pytest.importorskip("selenium", reason="a report is opened in a browser by selenium, of the extra dev")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs Debian's packages chromium and chromium-driver"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("page")
    folder = make(root / "spectra", "spectrum", {"g": [1.5, 10, 2], "roi": ["EB", "PB"]})
    assert visualization.main(["--results_folders", str(folder), "--save_figs", str(root / "figs")]) == 0
    return (root / "figs" / "report.html").as_uri()


@pytest.fixture
def opened(browser, address):
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(address)
    return browser


def column(driver, name, table="table-1"):
    """The visible texts of a column."""
    heads = [head.text for head in driver.find_elements(By.CSS_SELECTOR, f"#{table} thead th")]
    rows = driver.find_elements(By.CSS_SELECTOR, f"#{table} tbody tr:not([hidden])")
    return [row.find_elements(By.CSS_SELECTOR, "th, td")[heads.index(name)].text for row in rows]


def test_nothing_is_fetched_and_no_error_is_logged(opened, address):
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    sent = [message["params"]["request"]["url"] for message in messages
            if message["method"] == "Network.requestWillBeSent"]  # fmt: skip
    assert address in sent and all(url == address or url.startswith("data:") for url in sent)
    assert opened.get_log("browser") == []
    shown = "return [...document.images].every((image) => image.complete && image.naturalWidth > 0)"
    assert opened.execute_script(shown) and opened.execute_script("return document.images.length") > 0


def test_the_policy_forbids_a_request_and_a_foreign_script(opened):
    blocked = opened.execute_async_script(
        "const done = arguments[0]; fetch('data:text/plain,x').then(() => done(false), () => done(true))")  # fmt: skip
    opened.execute_script("const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
                          "document.body.append(s)")  # fmt: skip
    assert blocked and opened.execute_script("return window.ran === undefined")


def test_a_column_sorts_by_numbers_in_both_directions(opened):
    before = column(opened, "g")
    for order in (["1.5", "1.5", "2", "2", "10", "10"], ["10", "10", "2", "2", "1.5", "1.5"]):
        opened.find_element(By.XPATH, "//table[@id='table-1']//th/button[text()='g']").click()
        assert column(opened, "g") == order != before
    head = opened.find_element(By.XPATH, "//table[@id='table-1']//th[button[text()='g']]")
    assert head.get_attribute("aria-sort") == "descending"


def test_rows_are_filtered_by_the_values_of_options_and_by_words(opened):
    tools = opened.find_element(By.ID, "table-1-tools")
    by_g, by_roi = (Select(each) for each in tools.find_elements(By.TAG_NAME, "select")[:2])
    by_g.select_by_visible_text("10")
    assert column(opened, "g") == ["10", "10"] and "2 of 6 rows" in tools.text
    by_roi.select_by_visible_text("PB")
    assert column(opened, "roi") == ["PB"]
    by_g.select_by_visible_text("all")
    assert column(opened, "roi") == ["PB"] * 3
    by_roi.select_by_visible_text("all")
    tools.find_element(By.TAG_NAME, "input").send_keys("eb")
    assert column(opened, "roi") == ["EB"] * 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(opened, scheme):
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    colours = opened.execute_script("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
    ink, paper = (sum(int(part) for part in colour[4:-1].split(",")) / 3 for colour in colours)
    assert abs(ink - paper) > 180 and (paper > ink) == (scheme == "light")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_phone_shows_the_text_without_horizontal_scrolling(opened):
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wide = (
        "return [...document.querySelectorAll('p, li, figure, h1, h2, h3')].filter((e) => e.scrollWidth > 390).length"
    )
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
    assert opened.execute_script(wide) == 0
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_print_has_the_tables_and_not_their_controls(opened):
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert opened.execute_script(shown, ".tools") == "none" and opened.execute_script(shown, "table.data") != "none"
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_names_of_any_length_do_not_widen_the_page(browser, tmp_path):
    folder = make(tmp_path / "spectra", "spectrum", {"roi": ["EB", "x" * 3000, "y z " * 500]}, iterations=1)
    assert visualization.main(["--results_folders", str(folder), "--save_figs", str(tmp_path / "figs")]) == 0
    browser.get((tmp_path / "figs" / "report.html").as_uri())
    size = "return [document.documentElement.scrollWidth, window.innerWidth]"
    width, room = browser.execute_script(size)
    assert width <= room
