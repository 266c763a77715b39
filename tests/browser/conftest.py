"""A real server, a real Chromium. Every page is watched: no error, no request beyond loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

SERVER = Path(__file__).with_name("server.py")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000
"""For a busy machine; where a test promises a time, it says so itself."""
MISSING = "Chromium is not installed (looked for chromium, chromium-browser, google-chrome)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's event loop stays in the thread, and blocks others."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        # `make browser` asks for these tests by name, so there they must not pass unseen.
        asked = request.config.option.markexpr == "browser"
        (pytest.fail if asked else pytest.skip)(MISSING)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Server:
    """The app in its own process; it can be killed and started again on the same port."""

    data: Path
    log: Path
    port: int = field(default_factory=lambda: _free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {**os.environ, "T2R_STUDIO_DATA": str(self.data),
                       "T2R_STUDIO_MODELS": str(self.data.parent / "models")}  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(SERVER), "--port", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"no answer from {self.url}: {self.log.read_text()}")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("studio")
    bundled = Path(__file__).parents[2] / "assets" / "models" / "business-2k"
    shutil.copytree(bundled, folder / "models" / "house-model")
    server = Server(folder / "data", folder / "server.log")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def open_page(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens a page of the app; at the end, none may have met an error or left the machine."""
    opened = []
    trouble: list[str] = []

    def open_at(
        path: str = "/", *, width: int = 1280, height: int = 900, **context: object
    ) -> Page:
        size = {"width": width, "height": height}
        made = chromium.new_context(viewport=size, **context)  # pyright: ignore[reportArgumentType]
        opened.append(made)
        page = made.new_page()
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: message.type == "error" and trouble.append(f"console: {message.text}"),
        )
        page.on(
            "request",
            lambda request: (
                request.url.startswith((server.url, "data:", "blob:"))
                or trouble.append(f"left the machine: {request.url}")
            ),
        )
        page.set_default_timeout(PATIENCE_MS)
        page.goto(server.url + path)
        return page

    open_at.trouble = trouble  # pyright: ignore[reportFunctionMemberAccess]
    yield open_at
    for context in opened:
        context.close()
    assert trouble == []
