"""Looks at the pages of a log as a visitor does.

A log is made with the command, filled with records of made-up projects (one file of them with two
digests), and served on loopback. Then Chromium visits it: without JavaScript, on a phone and on a desk,
dark and light, with the keyboard alone. Each page is checked for contrast, labels and structure by
axe-core, and for text that is wider than the screen; a screenshot of each is kept.
"""

import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
WORK = pathlib.Path(".work/browser").resolve()
SHOTS = WORK / "shots"
AXE = (WORK / "node_modules/axe-core/axe.min.js").read_text()
SIZES = {"phone": (390, 844), "desk": (1280, 900)}


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def record(project, file, content, observer, first_seen, uploaded="2026-01-02T03:04:05Z"):
    return "\n".join([
        "observation/v1", f"project {project}", f"file {file}", f"digest {digest(content)}",
        "size 1234", f"uploaded {uploaded}", f"observer {observer}", f"first-seen {first_seen}", "",
    ])


def records():
    made = []
    for minor in range(25):
        for kind in ("py3-none-any.whl", None):
            file = f"teapot-1.{minor}.tar.gz" if kind is None else f"teapot-1.{minor}-{kind}"
            for observer in ("index:example.org/crawler", "distribution:gentoo"):
                if observer.startswith("distribution") and kind:
                    continue
                made.append(record("teapot", file, file, observer, f"2026-02-{minor + 1:02}T10:00:00Z"))
    made.append(record("kettle", "kettle-2.0-py3-none-any.whl", "good", "index:example.org/crawler", "2026-03-01T00:00:00Z"))
    made.append(record("kettle", "kettle-2.0-py3-none-any.whl", "evil", "index:example.org/second", "2026-03-02T00:00:00Z"))
    return made


def run(*words, **options):
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def fill(folder):
    run("log", "init", folder, "--origin", "log.example.org")
    for observer in ("index:example.org/crawler", "index:example.org/second", "distribution:gentoo"):
        run("log", "observer", "add", folder, observer)
    for observer in ("index:example.org/crawler", "index:example.org/second", "distribution:gentoo"):
        mine = [text for text in records() if f"observer {observer}\n" in text]
        file = pathlib.Path(folder).parent / "records.txt"
        file.write_text("\n".join(mine))
        run("log", "append", folder, str(file), "--observer", observer)
        run("log", "checkpoint", folder)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait(url):
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read()
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    sys.exit(f"{url} does not answer")


def browser(scripts=True):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--hide-scrollbars",
    ):
        options.add_argument(flag)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(20)
    return driver


def emulate(driver, size, scheme):
    width, height = SIZES[size]
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone",
    })
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": scheme}],
    })


def check(driver, where):
    driver.execute_script(AXE)
    found = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        ".then(it => done(it.violations), it => done([{id: String(it), nodes: []}]));"
    )
    problems = [
        f"{where}: {one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"] or [{"html": ""}]
    ]
    wide = driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if wide > 0:
        problems.append(f"{where}: {wide} pixels wider than the screen")
    return problems


def shoot(driver, name):
    (SHOTS / f"{name}.png").write_bytes(driver.get_screenshot_as_png())


def pages(base):
    alarm = json.loads(wait(base + "/api/v1/alarms"))["alarms"][0]["id"]
    return {
        "home": "/", "search": "/search?q=tea", "nothing": "/search?q=samovar",
        "project": "/project/teapot", "release": "/project/teapot/1.3",
        "file": "/file/teapot-1.3.tar.gz", "second": "/file/kettle-2.0-py3-none-any.whl",
        "digest": "/digest/" + digest("good"), "alarms": "/alarms", "alarm": f"/alarms/{alarm}",
        "log": "/log", "missing": "/project/samovar",
    }


def look(base):
    problems = []
    driver = browser()
    try:
        for name, path in pages(base).items():
            for size in SIZES:
                for scheme in ("light", "dark"):
                    emulate(driver, size, scheme)
                    driver.get(base + path)
                    shoot(driver, f"{name}-{size}-{scheme}")
                    problems += check(driver, f"{name}, {size}, {scheme}")
        # The checker must be able to say no.
        driver.get(base + "/")
        driver.execute_script("document.querySelector('label').remove(); document.body.style.color = '#ccc'")
        emulate(driver, "desk", "light")
        planted = check(driver, "planted")
        for rule in ("label", "color-contrast"):
            if not any(f": {rule}: " in line for line in planted):
                problems.append(f"the checker did not see a planted fault: {rule}")
    finally:
        driver.quit()
    return problems


def is_gone(element):
    """Whether its page was left. In the middle of that the browser has other words for it than afterwards."""
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        return "does not belong to the document" in str(error)
    return False


def walk_without_scripts(base):
    """From the first page to a proof with the keyboard alone, JavaScript switched off."""
    driver = browser(scripts=False)
    problems = []

    def press(*keys):
        driver.switch_to.active_element.send_keys(*keys)

    def tab_to(condition, what):
        for _ in range(80):
            press(Keys.TAB)
            if condition(driver.switch_to.active_element):
                return True
        problems.append(f"the keyboard does not reach {what}")
        return False

    def follow(*keys):
        # A click returns at once: what is asked next must not meet the page that is left.
        left = driver.find_element(By.TAG_NAME, "html")
        press(*keys)
        try:
            WebDriverWait(driver, 20).until(lambda _: is_gone(left))
        except TimeoutException:
            problems.append(f"{driver.current_url}: Enter leads nowhere")

    def text(words):
        patient = WebDriverWait(driver, 20, ignored_exceptions=(WebDriverException,))
        try:
            patient.until(lambda it: words in it.find_element(By.TAG_NAME, "body").text)
        except TimeoutException:
            problems.append(f"{driver.current_url}: `{words}` is not there")

    try:
        driver.get(base + "/")
        driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        if driver.switch_to.active_element.text != "Skip to the content":
            problems.append("the first stop of the keyboard is not the way past the header")
        tab_to(lambda it: it.get_attribute("name") == "q", "the search field")
        follow("teapot", Keys.ENTER)
        text("project")
        if tab_to(lambda it: it.get_attribute("href") == base + "/project/teapot", "the project"):
            follow(Keys.ENTER)
        text("25 releases")
        driver.get(base + "/project/teapot/1.3")
        text("One digest, seen by 2 observers")
        text("distribution:gentoo")
        if tab_to(lambda it: "tlog-proof" in (it.get_attribute("href") or ""), "a proof"):
            proof = wait(driver.switch_to.active_element.get_attribute("href")).decode()
            if not proof.startswith("c2sp.org/tlog-proof@v1\n"):
                problems.append("a proof is no proof")
        driver.get(base + "/alarms")
        if tab_to(lambda it: "/alarms/" in (it.get_attribute("href") or ""), "an alarm"):
            follow(Keys.ENTER)
        text("kettle-2.0-py3-none-any.whl was seen with two digests")
        text("index:example.org/second")
    finally:
        driver.quit()
    return problems


def twice(walk, base):
    """A browser that stumbles is asked once more; what is wrong with a page is told at once."""
    try:
        return walk(base)
    except WebDriverException as error:
        print(f"the browser stumbled: {str(error).splitlines()[0]}")
        return walk(base)


def main():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.join(temporary, "log")
        fill(folder)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(
            [PROGRAM, "log", "serve", folder, "--listen", f"127.0.0.1:{port}", "--rate", "0"],
            stdout=subprocess.DEVNULL, stderr=(WORK / "server.log").open("w"),
        )
        try:
            wait(base + "/readyz")
            problems = twice(walk_without_scripts, base) + twice(look, base)
        finally:
            server.terminate()
            server.wait(timeout=20)
    if problems:
        sys.exit("\n".join(problems))
    print(f"browser: {len(list(SHOTS.glob('*.png')))} screenshots, no fault of contrast, labels, keyboard or width")


main()
