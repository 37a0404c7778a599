"""Opens the dashboard of a running Superset in Chromium and says, as JSON, what was seen.

SUPERSET_PASSWORD=... python bi/look_at_dashboard.py URL CHROMIUM PICTURE
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

# What stands in a chart that has been drawn, and what in one that has not.
DRAWN = ".chart-container canvas, .chart-container table tbody tr, .chart-container .header-line"
FAILED = ".chart-container [role=alert], .chart-container .ant-empty, .chart-container .ant-alert"


def look(page: Page, url: str, picture: str) -> dict[str, object]:
    """Log in, open the dashboard, wait until its charts stand, and take its picture."""
    requests: list[str] = []
    refused: list[str] = []  # by the policy of the page, before anything leaves
    page.on("request", lambda request: requests.append(request.url))
    page.on(
        "requestfailed",
        lambda request: refused.append(request.url) if request.failure == "csp" else None,
    )
    page.goto(f"{url}/login/")
    page.locator("input#username, input[name=username]").first.fill("admin")
    page.locator("input#password, input[name=password]").first.fill(os.environ["SUPERSET_PASSWORD"])
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.wait_for_url(lambda address: "/login" not in address, timeout=60_000)
    page.goto(f"{url}/superset/dashboard/clientele/?standalone=1")
    page.locator(".dashboard-component-chart-holder").first.wait_for(timeout=90_000)
    holders = page.locator(".dashboard-component-chart-holder")
    for number in range(holders.count()):
        holder = holders.nth(number)
        holder.scroll_into_view_if_needed()  # charts out of sight are not drawn
        holder.locator(DRAWN).first.wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=picture, full_page=True)
    own = urlsplit(url).netloc
    web = [address for address in requests if urlsplit(address).scheme in ("http", "https")]
    return {
        "drawn": sum(holders.nth(number).locator(DRAWN).count() > 0 for number in
                     range(holders.count())),
        "failed": page.locator(FAILED).all_inner_texts(),
        "requests": len(web),
        "refused": len(refused),
        "outside": sorted(
            {address for address in web if urlsplit(address).netloc != own} - set(refused)
        ),
    }  # fmt: skip


def main() -> None:
    """Look at the dashboard that the arguments name."""
    url, browser, picture = sys.argv[1:]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        try:
            page = chromium.new_page(viewport={"width": 1440, "height": 3300})
            print(json.dumps(look(page, url, picture)))
        finally:
            chromium.close()


if __name__ == "__main__":
    main()
