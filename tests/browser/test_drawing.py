"""The last step's charts follow its figures, and end as those of the run on show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from engine.configs import RunConfig
from engine.runs import store
from tests.support.runs import make_run

MEASURED = Path(__file__).parents[2] / "assets" / "samples" / "bundled" / "comparison.json"
SLOW_CHARTS = """() => {
window.underWay = 0;
const real = window.fetch;
window.fetch = async (...asked) => {
  const answer = await real(...asked);
  if (window.slow && (await answer.clone().text()).includes('"plotly"')) {
    window.underWay += 1;
    await new Promise((done) => setTimeout(done, 3000));
    window.underWay -= 1;
  }
  return answer;
};
}"""


def _other_run() -> str:
    """A finished run whose numbers are not the server's sample's."""
    run_id = make_run(state="done")
    config = RunConfig(model="another-model", data="source.txt").model_dump(mode="json")
    store.update(run_id, config=json.dumps(config))
    shutil.copy(MEASURED, store.get(run_id).folder)
    return run_id


def _readings(page: Page) -> Locator:
    return page.locator("#studio .ts-chart .ts-reading")


def test_late_charts_of_a_run_that_was_left_do_not_stay(open_page, server, monkeypatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(server.data))
    page = open_page(f"/?run={_other_run()}&step=5")
    told = page.locator("#kpis")
    last = page.get_by_role("heading", name="All runs of this model and data")
    expect(last).to_be_visible()
    figures, readings = told.inner_text(), _readings(page).all_inner_texts()

    page.evaluate(SLOW_CHARTS)
    page.get_by_role("button", name="Home").click()
    page.evaluate("window.slow = true")
    page.get_by_role("button", name="See it live").click()
    expect(_readings(page).first).to_contain_text("2.702")
    page.wait_for_function("window.underWay === 1")  # the second group, of the sample
    page.evaluate("window.slow = false")
    page.evaluate("history.go(-2)")
    expect(told).to_have_text(figures, use_inner_text=True)
    page.wait_for_function("window.underWay === 0")
    expect(_readings(page)).to_have_text(readings, use_inner_text=True)
