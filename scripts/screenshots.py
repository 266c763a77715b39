"""Every view in both languages, at desk and phone width, light and dark, into `screenshots/`.

    make screenshots

Starts the app on a free port with the data directory of this user (or $T2R_STUDIO_DATA).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = {"en": "", "ja": "ja"}
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
VIEWS = {
    "landing": "", "1-goal": "?step=1", "2-data": "?step=2", "3-model": "?step=3",
    "4-convert": "?run=sample-bundled&step=4", "5-decide": "?run=sample-bundled&step=5",
}  # fmt: skip
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
DRAWN_MS = 2500
"""Charts are drawn a moment after their page."""


@contextmanager
def app_at(environment: dict[str, str] | None = None) -> Iterator[str]:
    """The app in its own process, with these variables besides; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})})
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def _take(browser: Browser, address: str, folder: Path) -> None:
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # pyright: ignore[reportArgumentType]
            )
            for lang, path in LANGUAGES.items():
                for view, query in VIEWS.items():
                    page.goto(f"{address}{path}{query}")
                    page.locator("h1").locator("visible=true").first.wait_for()
                    page.wait_for_timeout(DRAWN_MS)
                    file = folder / f"{view}-{lang}-{size}-{scheme}.png"
                    page.screenshot(path=file, full_page=True)
                    print(file)
            page.close()


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "screenshots")
    options = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        parser.exit(2, f"Chromium is not installed (looked for {', '.join(names)}).\n")
    options.folder.mkdir(parents=True, exist_ok=True)
    with app_at() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _take(browser, address, options.folder)
        browser.close()


if __name__ == "__main__":
    main()
