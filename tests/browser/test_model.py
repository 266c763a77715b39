"""Step 3 as a visitor meets it: the catalogue, the operator's folders, the estimate."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

A_DRY_RUN_MS = 300_000
"""Longest wait for a dry run, on a machine that has other work too."""


def test_a_folder_of_the_operator_is_chosen_by_name_and_checked(open_page, server) -> None:
    page = open_page("/?step=3")
    catalogue = page.locator("#catalogue")
    expect(catalogue).to_contain_text("house-model")
    expect(catalogue).to_contain_text("gated: accept its terms on the Hub first")
    page.get_by_label("house-model (folder on this server)").check()
    page.get_by_role("button", name="Check this model").click()
    expect(page.get_by_text("This model can be converted.")).to_be_visible()
    page.get_by_role("button", name="Next: convert").click()
    expect(page.get_by_text("house-model").locator("visible=true").first).to_be_visible()
    assert str(server.data.parent) not in page.content(), "no path of the server is told"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_estimate_is_made_on_the_chosen_model_and_data(open_page) -> None:
    page = open_page("/?step=3")
    page.get_by_role("button", name="Estimate time, memory and money").click()
    told = page.locator("#estimated")
    expect(told.get_by_role("progressbar")).to_be_visible()
    expect(told.locator("tbody tr")).to_have_count(3, timeout=A_DRY_RUN_MS)
    expect(told).to_contain_text("Thorough")
    expect(told).to_contain_text("no prices given")
    expect(told).to_contain_text("From a dry run of")
