"""How quick the page is in a real Chromium while a quick conversion trains on the same cores.

    python -m scripts.latency [--rounds 5] > benchmarks/results/latency-DATE.json

One tab watches the run, as its owner would; a second one is clicked through. A time goes from the
click to the moment at which what was asked for can be seen, read in the page itself. Prints JSON
with the machine's load, without which the figures say little.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from scripts.screenshots import FLAGS, app_at

TRAINING = ("Attention transfer", "Fine-tun")
PATIENCE_MS = 120_000
SETTLE_S = 15.0
"""After the start, in which the server imports what a conversion needs."""

ACT = """async ([kind, what, seen, text]) => {
  const visible = (e) => e && e.getClientRects().length > 0;
  const named = (tag, name) => [...document.querySelectorAll(tag)]
    .find((e) => visible(e) && e.innerText.includes(name));
  const shown = () => [...document.querySelectorAll(seen)]
    .some((e) => (e.type === "radio" ? e.checked : visible(e)) &&
      (e.type === "radio" ? e.closest("label").innerText : e.innerText).includes(text));
  const wait = (test) => new Promise((done, fail) => {
    const began = performance.now();
    const look = () => test() ? done() : performance.now() - began > 30000
      ? fail(new Error(`${kind} ${what}: ${seen} never showed ${text}`)) : setTimeout(look, 4);
    look();
  });
  const field = kind === "type" && document.querySelector("#history-search :is(textarea, input)");
  await wait(() => kind === "type" ? visible(field) : named(kind, what));
  const start = performance.now();
  if (kind === "type") {
    field.value = what;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  } else named(kind, what).click();
  await wait(shown);
  return performance.now() - start;
}"""


@dataclass(frozen=True)
class Interaction:
    """A click or an entry, and what must be seen after it.

    Attributes:
        name: for the record.
        kind: CSS selector of what is clicked, or "type" for the search field.
        what: a part of its text, or what is typed.
        seen: CSS selector of what must be seen.
        text: that it must hold.
    """

    name: str
    kind: str
    what: str
    seen: str
    text: str


ROUND = (
    Interaction("new run", "button", "New run", "h1", "What would convince you"),
    Interaction("to data", "button", "Next: data", "h1", "Which text"),
    Interaction("to model", "button", "Next: model", "h1", "Which model"),
    Interaction("choose Hub", "label", "Another model", ".ts-notice", "checked first"),
    Interaction("choose bundled", "label", "business-2k", "dt", "Licence"),
    Interaction("to convert", "button", "Next: convert", "h1", "How to convert"),
    Interaction("change recipe", "label", "Thorough", "input[type=radio]", "Thorough"),
    Interaction("change method", "label", "T2R", "input[type=radio]", "T2R"),
    Interaction("step back", "#trail button", "Model", "h1", "Which model"),
    Interaction("home", "button", "Home", "h1", "Is a cheaper model"),
    Interaction("search runs", "type", "no such run", "#runs", "No runs here"),
    Interaction("search again", "type", "sample", "#runs td, #runs th", "Sample run"),
    Interaction("open sample", "button", "See it live", "#tiles", "%"),
    Interaction("home again", "button", "Home", "h1", "Is a cheaper model"),
)


def _status(page: Page) -> str:
    return page.locator("#status [aria-current=step]").inner_text(timeout=PATIENCE_MS)


def _first_view(page: Page, address: str) -> dict[str, float]:
    """Milliseconds from the request to the first paint and to buttons that can be used."""
    page.goto(address, wait_until="commit")
    page.get_by_role("button", name="See it live").click(trial=True, timeout=PATIENCE_MS)
    usable, paint = page.evaluate(
        "[performance.now(), performance.getEntriesByName('first-contentful-paint')[0].startTime]"
    )
    return {"first_paint_ms": round(paint), "usable_ms": round(usable)}


def measure(rounds: int) -> dict[str, object]:
    """Start the app and a run in a new data directory, click through, and read the times."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    load = [os.getloadavg()[0]]
    with (
        tempfile.TemporaryDirectory() as data,
        app_at({"T2R_STUDIO_DATA": data}) as address,
        sync_playwright() as playwright,
    ):
        time.sleep(SETTLE_S)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        idle = _first_view(browser.new_page(), address)
        owner = browser.new_page()
        owner.goto(address)
        owner.get_by_role("button", name="Start with the bundled model").click(timeout=PATIENCE_MS)
        owner.get_by_role("button", name="Start the conversion").click(timeout=PATIENCE_MS)
        while not _status(owner).startswith(TRAINING):
            owner.wait_for_timeout(500)
        visitor = browser.new_page()
        busy = _first_view(visitor, address)
        times: list[tuple[str, float]] = []
        training = 0
        for _ in range(rounds):
            for one in ROUND:
                times.append((one.name, visitor.evaluate(
                    ACT, [one.kind, one.what, one.seen, one.text])))  # fmt: skip
                training += _status(owner).startswith(TRAINING)
            load.append(os.getloadavg()[0])
        owner.get_by_role("button", name="Cancel and save").click(timeout=PATIENCE_MS)
        owner.get_by_role("button", name="Resume").wait_for(timeout=PATIENCE_MS)
        browser.close()
    every = [ms for _, ms in times]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": psutil.cpu_count(),
        "load_average_1_min": {"before": round(load[0], 1), "during": round(max(load[1:]), 1)},
        "first_view_before_the_run": idle,
        "first_view_while_training": busy,
        "interactions": len(every),
        "while_training": training,
        "ms": {
            name: round(float(np.percentile(every, at)), 1)
            for name, at in (("p50", 50), ("p90", 90), ("p95", 95), ("max", 100))
        },
        "p50_ms_by_kind": {
            one.name: round(float(np.median([ms for name, ms in times if name == one.name])), 1)
            for one in ROUND
        },
        "max_ms_by_kind": {
            one.name: round(max(ms for name, ms in times if name == one.name), 1) for one in ROUND
        },
    }


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(prog="python -m scripts.latency", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help=f"of {len(ROUND)} interactions each")
    json.dump(measure(parser.parse_args().rounds), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
