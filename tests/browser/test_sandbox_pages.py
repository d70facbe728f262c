"""The sandbox's pages in a browser: both themes, wide and narrow, and what happens while one looks at them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from eci_provider.sandbox import Sandbox
from tests.sandbox.sandbox_api import Api, advanced
from tests.support.accessibility import barriers
from tests.support.sandbox_scene import Month, month

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

THEMES = ("light", "dark")
WIDTHS = (1280, 390)
EVIL = "<script>hacked = 1</script><img src=x onerror='hacked = 1'>"


@pytest.fixture
def scene(sandbox: Sandbox) -> Month:
    return month(sandbox)


@pytest.fixture
def expect() -> Any:
    from playwright import sync_api

    return sync_api.expect


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose every message in the console, and every request to another host, fails the test."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith("http://127.0.0.1:") else heard.append(sent.url))
    yield page
    assert heard == []


def paths(scene: Month) -> dict[str, str]:
    return {
        "overview": "/",
        "filtered": "/?q=nothing+has+this",
        "import": f"/imports/{scene.first}",
        "replaced": f"/imports/{scene.replaced}",
        "batch": f"/batches/{scene.closed}",
        "pending": f"/batches/{scene.pending}",
    }


def update(page: Page) -> None:
    """Make the page refresh at once, as it does when its tab becomes visible again."""
    with page.expect_response(lambda answer: answer.url == page.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


class TestLook:
    """Every page can be read by everyone, on every screen."""

    @pytest.mark.parametrize("name", ["overview", "filtered", "import", "replaced", "batch", "pending"])
    def test_in_both_themes_wide_and_narrow(self, page, scene, name):
        page.goto(scene.sandbox.url + paths(scene)[name])
        for theme, width in zip(THEMES, WIDTHS, strict=True):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 800})
            assert overflow(page) == 0, theme
            assert barriers(page) == [], theme

    @pytest.mark.parametrize("theme", THEMES)
    def test_empty(self, page, sandbox, theme):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": 390, "height": 800})
        page.goto(sandbox.url)
        assert overflow(page) == 0
        assert barriers(page) == []

    def test_a_missing_page_waits_for_nothing(self, chromium: Browser, sandbox, expect):
        tab = chromium.new_page()
        tab.clock.install()
        tab.goto(f"{sandbox.url}/batches/7")
        expect(tab.get_by_role("heading", level=1)).to_have_text("There is no batch 7")
        assert barriers(tab) == []
        asked: list[str] = []
        tab.on("request", lambda sent: asked.append(sent.url))
        tab.clock.run_for(10_000)
        assert asked == []
        tab.close()

    def test_names_without_a_blank_do_not_widen_a_page(self, page, sandbox):
        api = Api(sandbox)
        batch = api.open_batch("x" * 32, note="n" * 255)
        guid = api.imported(advanced(["a" * 200]), "f" * 90 + ".csv", importNote="m" * 255)["taskGUId"]
        page.set_viewport_size({"width": 390, "height": 800})
        for path in ("/", f"/batches/{batch}", f"/imports/{guid}", f"/?q={'q' * 300}"):
            page.goto(sandbox.url + path)
            assert overflow(page) == 0, path

    def test_numbers_are_aligned(self, page, scene):
        style = "(cell) => [getComputedStyle(cell).textAlign, getComputedStyle(cell).fontVariantNumeric]"
        page.goto(scene.sandbox.url)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            for cells in ("[data-label=Bills]", "[data-label=Total]", "[data-label=Kickouts]"):
                for cell in page.locator(f"td{cells}").all():
                    assert cell.evaluate(style) == ["right", "tabular-nums"]
        charge = page.locator("#kickouts thead th", has_text=re.compile("^Current Charges$"))
        assert charge.evaluate(style) == ["right", "tabular-nums"]

    def test_the_pictures_of_the_documentation(self, page, scene, picture):
        page.goto(scene.sandbox.url)
        assert picture(page, "sandbox").stat().st_size > 10_000
        page.goto(f"{scene.sandbox.url}/imports/{scene.first}")
        assert picture(page, "sandbox-import").stat().st_size > 10_000


class TestThemes:
    """The colours are the system's, or those that the visitor has chosen."""

    BACKGROUND = "getComputedStyle(document.body).backgroundColor"

    def test_a_choice_holds_until_it_is_changed(self, page, sandbox):
        page.goto(sandbox.url)
        light = page.evaluate(self.BACKGROUND)
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate(self.BACKGROUND)
        assert light != dark
        page.get_by_label("Light").check()
        assert page.evaluate(self.BACKGROUND) == light
        page.reload()
        assert page.evaluate(self.BACKGROUND) == light
        assert page.get_by_label("Light").is_checked()
        page.get_by_label("Auto").check()
        assert page.evaluate(self.BACKGROUND) == dark

    def test_the_switch_works_with_the_keyboard(self, page, sandbox):
        page.goto(sandbox.url)
        page.get_by_label("Auto").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert page.get_by_label("Dark").is_checked()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


class TestKeyboard:
    """Everything can be reached without a mouse."""

    def test_the_first_tab_leads_past_the_header(self, page, scene):
        page.goto(scene.sandbox.url)
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to the content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.locator("main :focus").count() == 1

    def test_a_wide_table_scrolls_and_says_so(self, page, scene, expect):
        page.goto(f"{scene.sandbox.url}/imports/{scene.first}")
        box = page.get_by_role("region", name="Rows of Kickouts_nycha_electric_bills.csv")
        expect(page.get_by_text("14 columns: scroll sideways to see all")).to_be_visible()
        expect(page.locator(".wide")).to_have_class(re.compile("at-start"))
        box.focus()
        for _ in range(60):
            page.keyboard.press("ArrowRight")
        expect(page.locator(".wide")).to_have_class(re.compile("at-end"))
        assert box.evaluate("(box) => box.scrollLeft") > 0

    def test_a_table_that_fits_has_no_cue(self, page, sandbox, expect):
        api = Api(sandbox)
        guid = api.imported("ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE\n1,20250101,20250131,A,M\n")["taskGUId"]
        page.goto(f"{sandbox.url}/imports/{guid}")
        expect(page.get_by_text("was not found").first).to_be_visible()
        expect(page.get_by_text("scroll sideways")).to_be_hidden()


class TestLive:
    """A page updates itself, and the visitor keeps his place."""

    def test_it_asks_by_itself(self, page, sandbox, expect):
        page.clock.install()
        page.goto(sandbox.url)
        Api(sandbox).open_batch("a new batch")
        page.clock.run_for(2_000)
        expect(page.get_by_role("link", name="a new batch")).to_be_visible()

    def test_a_running_import_ends(self, page, sandbox, expect):
        sandbox.add_account("1001", ["M1"])
        sandbox.settings.delay = 60
        guid = Api(sandbox).import_file(advanced(["1001"], ["7"])).json()["taskGUId"]
        page.goto(f"{sandbox.url}/imports/{guid}")
        expect(page.get_by_text("Running for 0 s")).to_be_visible()
        sandbox.advance(61)
        update(page)
        expect(page.get_by_text("1 bills imported, 1 rows kicked out.")).to_be_visible()
        expect(page.get_by_role("cell", name="12.50").first).to_be_visible()
        assert page.title() == "bills.csv · EnergyCAP sandbox"

    def test_the_place_is_kept(self, page, scene, expect):
        page.set_viewport_size({"width": 800, "height": 500})
        page.goto(f"{scene.sandbox.url}/imports/{scene.first}")
        body = page.locator("details", has_text="Body").first
        body.locator("summary").click()
        page.locator(".scroller").evaluate("(box) => box.scrollLeft = 150")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('.reasons a span:last-child'))")
        page.evaluate("document.querySelector('.reasons').scrollIntoView()")
        before = page.evaluate("document.querySelector('.reasons').getBoundingClientRect().top")
        chosen = page.evaluate("String(getSelection())")
        scene.api.call(
            "PUT", f"/api/v3/task/{scene.sandbox.tasks()[0]['task_id']}", {"taskNote": "corrected\nline\n2"}
        )
        scene.api.get(f"/api/v3/task/{scene.first}")
        update(page)
        expect(page.locator("#facts .note")).to_have_text("corrected\nline\n2")
        assert body.evaluate("(body) => body.open")
        assert page.locator(".scroller").evaluate("(box) => box.scrollLeft") == 150
        assert page.evaluate("String(getSelection())") == chosen != ""
        after = page.evaluate("document.querySelector('.reasons').getBoundingClientRect().top")
        assert abs(after - before) <= 1

    def test_closed_details_stay_closed_and_new_rows_come_above(self, page, scene, expect):
        page.goto(scene.sandbox.url)
        page.locator("details.group summary").click()
        first = page.locator("#imports tbody tr").first.get_attribute("id")
        page.evaluate(f"document.getElementById('{first}').mark = 'the same element'")
        guid = scene.api.import_file(advanced(["1001"]), "new.csv").json()["taskGUId"]
        update(page)
        rows = page.locator("#imports tbody tr")
        expect(rows).to_have_count(5)
        assert rows.first.get_attribute("id") == f"import-{guid}"
        assert page.evaluate(f"document.getElementById('{first}').mark") == "the same element"
        assert not page.locator("details.group").evaluate("(details) => details.open")

    def test_what_is_being_typed_stays(self, page, scene, expect):
        page.goto(scene.sandbox.url)
        search = page.get_by_role("searchbox")
        search.focus()
        page.keyboard.type("correct")
        expect(page.locator("#imports tbody tr")).to_have_count(3)
        scene.api.open_batch("another correction")
        update(page)
        expect(page.get_by_role("link", name="another correction")).to_be_visible()
        page.keyboard.type("ion")
        assert search.input_value() == "correction"
        expect(page.locator("#imports tbody tr")).to_have_count(2)

    def test_a_row_that_is_gone_leaves_and_the_others_stay(self, page, scene, expect):
        page.goto(scene.sandbox.url)
        scene.sandbox.delete_task(scene.retry)
        update(page)
        expect(page.locator(f"#import-{scene.retry}")).to_have_count(0)
        expect(page.locator("#imports tbody tr")).to_have_count(3)

    def test_it_says_when_the_sandbox_has_ended(self, chromium, expect):
        with Sandbox() as ended:
            tab = chromium.new_page()
            tab.clock.install()
            tab.goto(ended.url)
            expect(tab.get_by_text("Live", exact=True)).to_be_visible()
        tab.clock.run_for(2_000)
        expect(tab.get_by_text("No answer from the sandbox")).to_be_visible()
        expect(tab.get_by_text("This sandbox has no accounts yet")).to_be_visible()
        tab.close()


class TestFilter:
    """The filter works while one types, and its address can be sent to others."""

    def test_while_typing(self, page, scene, expect):
        page.goto(scene.sandbox.url)
        page.get_by_role("searchbox").fill("red hook")
        expect(page.get_by_role("status").filter(has_text="match")).to_have_text(
            "0 batches and 1 import match. Clear the filter"
        )
        assert page.url.endswith("/?q=red+hook")
        page.get_by_label("Status of batches").select_option("Pending")
        expect(page.locator("#batches").get_by_text("No batch matches.")).to_be_visible()
        page.get_by_role("link", name="Clear the filter").click()
        expect(page.locator("#batches tbody tr")).to_have_count(2)
        assert page.get_by_role("searchbox").input_value() == ""
        assert page.get_by_label("Status of batches").input_value() == ""
        page.go_back()
        expect(page.get_by_role("searchbox")).to_have_value("red hook")
        expect(page.locator("#imports tbody tr")).to_have_count(1)

    def test_a_reason_is_chosen_and_left(self, page, scene, expect):
        page.goto(f"{scene.sandbox.url}/imports/{scene.first}")
        reason = page.get_by_role("link", name="RED HOOK EAST")
        rows = page.locator(".sheet tbody tr")
        expect(rows).to_have_count(7)
        reason.click()
        expect(rows).to_have_count(2)
        expect(reason).to_have_attribute("aria-current", "true")
        reason.click()
        expect(rows).to_have_count(7)

    def test_without_scripts(self, chromium: Browser, scene, expect):
        context = chromium.new_context(java_script_enabled=False)
        tab = context.new_page()
        tab.goto(scene.sandbox.url)
        expect(tab.get_by_text("Reload to update")).to_be_visible()
        tab.get_by_role("searchbox").fill("bld_05")
        tab.get_by_label("Status of imports").select_option("completed")
        tab.get_by_role("button", name="Filter").click()
        expect(tab.locator("#imports tbody tr")).to_have_count(2)
        assert "outcome=completed" in tab.url
        context.close()

    def test_more_rows_on_demand(self, page, sandbox, expect):
        api = Api(sandbox)
        for number in range(53):
            api.open_batch(f"batch {number:02d}", closeExistingBatch=True)
        page.goto(sandbox.url)
        more = page.get_by_role("link", name="Show 3 more")
        more.scroll_into_view_if_needed()
        place = page.evaluate("scrollY")
        more.click()
        expect(page.locator("#batches tbody tr")).to_have_count(53)
        assert page.evaluate("scrollY") == place > 0


class TestLinks:
    """Batches, imports and kickouts lead to each other."""

    def test_from_a_kickout_to_its_import_and_batch_and_back(self, page, scene, expect):
        page.goto(scene.sandbox.url)
        page.locator("details.group").get_by_role("link", name=re.compile("118.0")).click()
        assert f"/imports/{scene.first}?reason=" in page.url
        expect(page.locator(".sheet tbody tr")).to_have_count(5)
        page.get_by_role("navigation").get_by_role("link", name="NYCHA electric 2026-01").click()
        assert page.url.endswith(f"/batches/{scene.closed}")
        page.get_by_role("link", name="Kickouts_nycha_electric_bills.zip").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Kickouts_nycha_electric_bills.zip")
        page.get_by_role("link", name=f"import {scene.replaced[:8]}").click()
        expect(page.locator("#facts")).to_contain_text(f"5 replaced by import {scene.corrected[:8]}")
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", name="Bill imports")).to_be_visible()

    def test_foreign_texts_run_nothing(self, page, sandbox):
        api = Api(sandbox)
        batch = api.open_batch(EVIL[:32], note=EVIL)
        guid = api.imported(advanced([EVIL]), f"{EVIL}.csv", importNote=EVIL)["taskGUId"]
        for path in ("/", f"/batches/{batch}", f"/imports/{guid}", "/?q=%3Cscript%3Ehacked=1%3C/script%3E"):
            page.goto(sandbox.url + path)
            api.get(f"/api/v3/task/{guid}", filter=EVIL)
            update(page)
            assert page.evaluate("typeof hacked") == "undefined"
            assert page.locator("img[src=x]").count() == 0
        assert page.goto(f"{sandbox.url}/imports/{guid}")
        assert page.get_by_role("heading", level=1).inner_text() == f"{EVIL}.csv"


def test_empty_states_give_way_to_what_comes(page: Page, sandbox: Sandbox, expect: Callable[..., Any]) -> None:
    page.goto(sandbox.url)
    expect(page.get_by_text("This sandbox has no accounts yet")).to_be_visible()
    assert f'"host": "{sandbox.url}"' in page.locator("#imports pre").inner_text()
    sandbox.add_account("1001", ["M1"])
    Api(sandbox).imported(advanced(["1001"]))
    update(page)
    expect(page.get_by_text("No rows were kicked out: every bill was booked.")).to_be_visible()
    expect(page.locator(".empty")).to_have_count(1)
    expect(page.locator("#imports tbody tr")).to_have_count(1)
