"""Reads two releases as a person does, in a browser.

Two source packages of a made-up project are read: one as a whole, both as a difference. Chromium goes
through the files with the keyboard, marks them as read, goes on after the program was started again, and
does the same without JavaScript. Each kind of page is checked on a phone and on a desk, dark and light, by
axe-core, and for text that is wider than the screen; a screenshot of each is kept.
"""

import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
AXE = pathlib.Path(".work/browser/node_modules/axe-core/axe.min.js").read_text()
SHOTS = pathlib.Path(".work/inspect/shots").resolve()
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
problems = []

CORE = '''"""Brews tea."""

import os


def brew(minutes):
    """Wait for the tea."""
    leaves = os.environ.get("TEA_LEAVES", "black")
    return f"{leaves} tea, {minutes} minutes"


def clean(path):
    with open(path) as file:
        return file.read()

''' + "\n".join(f"STEP_{number} = {number}" for number in range(60)) + "\n"

MOVED = CORE.replace(
    "def clean(path):\n    with open(path) as file:\n        return file.read()\n",
    "def clean(path):\n    import subprocess\n\n    subprocess.run([\"clean\", path], check=True)\n"
    "    return eval(open(path).read())  # a long comment that goes on and on, further than a phone is wide\n",
)
HOSTILE = "x = '<script>document.title = \"lost\"</script>'  # \u202e\nopen('/home/me/.ssh/id_rsa')\n"


def package(folder, version, files):
    path = pathlib.Path(folder, f"teapot-{version}.tar.gz")
    files = {"PKG-INFO": f"Metadata-Version: 2.1\nName: teapot\nVersion: {version}\n", **files}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(f"teapot-{version}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return str(path)


def packages(folder):
    many = {f"teapot/leaves/leaf_{number}.py": f"NAME = {number}\n" for number in range(30)}
    common = {"README.md": "# Teapot\n", "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"own\"\nbackend-path = [\".\"]\n"}
    old = {**common, **many, "teapot/core.py": CORE, "teapot/gone.py": "x = 1\n"}
    new = {
        **common, **many, "teapot/core.py": MOVED, "teapot/new.py": "import socket\n\n\ndef call(host):\n    return socket.create_connection((host, 80))\n",
        "setup.py": "import os\nfrom setuptools import setup\n\nos.system('echo')\nsetup()\n",
        "teapot/fast.so": b"\x7fELF\x02\x01\x01\x00" + bytes(100), "teapot/<img src=x>.py": HOSTILE,
        "teapot/long.py": "x = '" + "ab" * 20000 + "'\n",
    }
    return package(folder, "1.0", old), package(folder, "1.1", new)


class Served:
    """The program while it serves; its first line is the address."""

    def __init__(self, state, *words):
        environment = {**os.environ, "COUNTERMARK_STATE_DIR": state}
        self.process = subprocess.Popen(
            [PROGRAM, "vet", *words, "--browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment,
        )
        self.address = self.process.stdout.readline().strip()
        if not self.address.startswith("http://127.0.0.1:"):
            sys.exit(f"no address: {self.address!r} {self.process.communicate()[1]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=20)


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
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
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
    for one in found:
        for node in one["nodes"] or [{"html": ""}]:
            problems.append(f"{where}: {one['id']}: {node['html'][:160]}")
    wide = driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    # A column of numbers is as wide as numbers, and the rest is for the text.
    numbers = driver.execute_script(
        "return Math.max(0, ...[...document.querySelectorAll('.code td.number')].map(it => it.offsetWidth))"
    )
    if numbers > 80:
        problems.append(f"{where}: the numbers of lines are {numbers} pixels wide")
    if wide > 0:
        problems.append(f"{where}: {wide} pixels wider than the screen")
    for entry in driver.get_log("browser"):
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]:
            problems.append(f"{where}: {entry['message'][:300]}")


def shoot(driver, name):
    (SHOTS / f"{name}.png").write_bytes(driver.get_screenshot_as_png())


def text(driver, words):
    patient = WebDriverWait(driver, 20, ignored_exceptions=(WebDriverException,))
    try:
        patient.until(lambda it: words in it.find_element(By.TAG_NAME, "body").text)
    except TimeoutException:
        problems.append(f"{driver.current_url}: `{words}` is not there")


def is_gone(element):
    """Whether its page was left. In the middle of that the browser has other words for it than afterwards."""
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        return "does not belong to the document" in str(error)
    return False


def leave(driver, act, what):
    """Does something that leads to another page, and waits for that."""
    left = driver.find_element(By.TAG_NAME, "html")
    act()
    try:
        WebDriverWait(driver, 20).until(lambda _: is_gone(left))
    except TimeoutException:
        problems.append(f"{driver.current_url}: {what} leads nowhere")


def key(driver, letter):
    leave(driver, lambda: driver.find_element(By.TAG_NAME, "body").send_keys(letter), f"the key {letter}")


def heading(driver):
    return driver.find_element(By.TAG_NAME, "h1").text


def expect(found, wanted, what):
    if found != wanted:
        problems.append(f"{what}: expected {wanted!r}, found {found!r}")


def links(driver):
    return {
        link.text: link.get_attribute("href")
        for link in driver.find_elements(By.CSS_SELECTOR, ".files a")
    }


def look(address, name, files):
    driver = browser()
    try:
        driver.get(address)
        found = links(driver)
        for file in files:
            if file not in found:
                problems.append(f"{name}: {file} is not in the list")
        pages = {"list": address, "folders": f"{address}?order=folder", "help": f"{address}help"}
        pages |= {file.replace("/", "-").replace("<", "").replace(">", ""): found.get(file, address) for file in files}
        for page, url in pages.items():
            for size in SIZES:
                for scheme in ("light", "dark"):
                    emulate(driver, size, scheme)
                    driver.get(url)
                    shoot(driver, f"{name}-{page}-{size}-{scheme}")
                    check(driver, f"{name}, {page}, {size}, {scheme}")
        if driver.title == "lost":
            problems.append("a text of the package ran")
        # The checker must be able to say no.
        driver.get(address)
        emulate(driver, "desk", "light")
        driver.execute_script(
            "document.documentElement.removeAttribute('lang');"
            "document.querySelectorAll('main p').forEach(it => { it.style.color = '#ccc'; })"
        )
        before = len(problems)
        check(driver, "planted")
        planted = problems[before:]
        del problems[before:]
        for rule in ("html-has-lang", "color-contrast"):
            if not any(f": {rule}: " in line for line in planted):
                problems.append(f"the checker did not see a planted fault: {rule}")
    finally:
        driver.quit()


def walk(address):
    """From the list through files and marks with the keyboard alone."""
    driver = browser()
    try:
        driver.get(address)
        emulate(driver, "desk", "light")
        files = list(links(driver))
        key(driver, "j")
        expect(heading(driver), files[0], "the first file")
        key(driver, "j")
        expect(heading(driver), files[1], "j")
        key(driver, "k")
        expect(heading(driver), files[0], "k")
        key(driver, "x")
        expect(heading(driver), files[1], "x goes on")
        text(driver, "1 of ")
        core = links(driver)["teapot/core.py"]
        driver.get(core)
        body = driver.find_element(By.TAG_NAME, "body")
        body.send_keys("n")
        first = driver.switch_to.active_element.text
        body = driver.switch_to.active_element
        body.send_keys("n")
        second = driver.switch_to.active_element.text
        if first == second or not first:
            problems.append(f"n stays where it is: {first!r} {second!r}")
        driver.switch_to.active_element.send_keys("p")
        expect(driver.switch_to.active_element.text, first, "p")
        shoot(driver, "walk-mark")
        rows = len(driver.find_elements(By.CSS_SELECTOR, ".code tr"))
        key(driver, "w")
        if len(driver.find_elements(By.CSS_SELECTOR, ".code tr")) <= rows:
            problems.append("w does not show the whole file")
        key(driver, "o")
        text(driver, "teapot/")
        if "order=folder" not in driver.current_url:
            problems.append("o does not turn the order")
        key(driver, "u")
        text(driver, "Files")
        key(driver, "o")
        if "order=folder" in driver.current_url:
            problems.append("o does not turn the order back")
        key(driver, "?")
        text(driver, "the next file")
        # Space first scrolls, and marks at the end of the file.
        driver.get(links_of(driver, address)[files[1]])
        driver.execute_script("window.scrollTo(0, document.documentElement.scrollHeight)")
        key(driver, " ")
        text(driver, "2 of ")
    finally:
        driver.quit()
    return files


def links_of(driver, address):
    driver.get(address)
    return links(driver)


def walk_without_scripts(address, files):
    """Links and forms do; what was read before is still known."""
    driver = browser(scripts=False)
    try:
        driver.get(address)
        text(driver, "2 of ")
        leave(driver, lambda: driver.find_element(By.LINK_TEXT, "Go on").send_keys(Keys.ENTER), "Go on")
        expect(heading(driver), files[2], "the first file that was not read")
        leave(driver, lambda: driver.find_element(By.ID, "toggle").send_keys(Keys.ENTER), "Read")
        text(driver, "3 of ")
        expect(heading(driver), files[3], "the next file")
        driver.get(links_of(driver, address)[files[0]])
        leave(driver, lambda: driver.find_element(By.ID, "toggle").send_keys(Keys.ENTER), "Not read")
        text(driver, "2 of ")
        end = driver.find_element(By.CSS_SELECTOR, "header form button")
        leave(driver, lambda: end.send_keys(Keys.ENTER), "End")
        text(driver, "It has ended")
    finally:
        driver.quit()


def refused(address):
    """Others of this machine and of the web."""
    base, token = address.rstrip("/").rsplit("/", 1)
    attempts = {
        "without the token": (base + "/", {}),
        "with another token": (f"{base}/{'0' * len(token)}/", {}),
        "under another name": (address, {"Host": "evil.example.org"}),
        "from another page": (address, {"Sec-Fetch-Site": "cross-site"}),
    }
    for name, (url, headers) in attempts.items():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
                problems.append(f"{name}: {answer.status}")
        except urllib.error.HTTPError as error:
            if error.code not in (403, 404):
                problems.append(f"{name}: {error.code}")


def main():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        old, new = packages(folder)
        state = os.path.join(folder, "state")
        with Served(state, "inspect", new) as served:
            refused(served.address)
            look(served.address, "inspect", ["setup.py", "teapot/fast.so", "teapot/<img src=x>.py", "teapot/long.py", "teapot/core.py"])
        with Served(state, "diff", old, new) as served:
            look(served.address, "diff", ["teapot/core.py", "teapot/new.py", "teapot/gone.py"])
            files = walk(served.address)
        with Served(state, "diff", old, new) as served:
            walk_without_scripts(served.address, files)
            expect(served.process.wait(timeout=20), 0, "the exit code after its button")
    if problems:
        sys.exit("\n".join(problems))
    print(f"inspect: {len(list(SHOTS.glob('*.png')))} screenshots, no fault of contrast, labels, keyboard or width")


main()
