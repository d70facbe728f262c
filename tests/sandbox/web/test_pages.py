"""The sandbox's pages, as a client without a browser sees them."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urljoin

import pytest
import requests

from eci_provider.sandbox import Sandbox
from tests.sandbox.sandbox_api import Api, advanced
from tests.support.sandbox_scene import Month, month

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def scene(sandbox: Sandbox) -> Month:
    return month(sandbox)


def get(sandbox: Sandbox, path: str) -> requests.Response:
    return requests.get(sandbox.url + path, timeout=10)


def links(sandbox: Sandbox, path: str) -> set[str]:
    """Return the pages that a page links to, without query and fragment."""
    found = re.findall(r'<a [^>]*href="([^"]+)"', get(sandbox, path).text)
    return {urljoin(path, link.partition("#")[0].partition("?")[0]) for link in found} - {path}


class TestLinks:
    """Batches, imports and kickouts lead to each other."""

    def test_every_page_that_a_page_links_to_is_there(self, scene):
        seen, waiting = set(), {"/"}
        while waiting:
            path = waiting.pop()
            seen.add(path)
            waiting |= links(scene.sandbox, path) - seen
        batches = {f"/batches/{number}" for number in (scene.closed, scene.pending)}
        imports = {f"/imports/{guid}" for guid in (scene.first, scene.retry, scene.replaced, scene.corrected)}
        assert seen == {"/"} | batches | imports

    def test_an_import_links_its_batch_and_its_retry(self, scene):
        batch, retry = f"/batches/{scene.closed}", f"/imports/{scene.retry}"
        assert links(scene.sandbox, f"/imports/{scene.first}") == {"/", batch, retry}
        assert {batch, f"/imports/{scene.first}"} <= links(scene.sandbox, retry)
        assert {f"/imports/{scene.first}", retry} <= links(scene.sandbox, batch)

    def test_the_overview_links_to_the_kickouts_of_an_import(self, scene):
        page = get(scene.sandbox, "/").text
        assert f'href="/imports/{scene.first}#kickouts"' in page
        reason = re.search(rf'href="(/imports/{scene.first}\?reason=[^"#]+)#kickouts"', page)
        assert reason is not None
        shown = get(scene.sandbox, reason[1]).text
        assert "118.0 - BLD 05" in shown
        assert len(re.findall(r'<th scope="row" class="reason">', shown)) == 5

    def test_a_guid_in_upper_case_leads_to_the_import(self, scene, read):
        assert "nycha_electric_bills.csv" in read(f"/imports/{scene.first.upper()}")


class TestCounts:
    """A page says why fewer bills count than were imported."""

    def test_bills_that_another_import_has_replaced(self, scene, read):
        assert "0 0.00 in total" in read(f"/imports/{scene.replaced}")
        assert f"5 replaced by import {scene.corrected[:8]}" in read(f"/imports/{scene.replaced}")
        assert f"5 replaced by import {scene.replaced[:8]}" in read(f"/batches/{scene.closed}")

    def test_a_batch_does_not_miss_what_its_own_import_has_replaced(self, scene, read):
        facts = read(f"/batches/{scene.pending}").partition("Imports into this batch")[0]
        assert "replaced" not in facts

    def test_bills_that_are_void(self, scene, read):
        for path in ("/", f"/batches/{scene.pending}", f"/imports/{scene.corrected}"):
            assert "5 void since 2026-01-05 08:00:16" in read(path)
        assert "void since" not in read(f"/imports/{scene.retry}")
        scene.sandbox.advance(60)
        assert scene.api.set_status(scene.pending, "Open") == 204
        assert "void since" not in read("/")

    def test_bills_that_come_into_a_void_batch_are_void_since_they_came(self, sandbox, api, read):
        batch = api.open_batch("pending")
        api.set_status(batch, "Pending")
        sandbox.advance(60)
        settings = {"batchMode": "use pending batch", "pendingBatchId": batch}
        guid = api.import_file(advanced(["1001"]), batchSettings=settings).json()["taskGUId"]
        assert "1 void since 2026-01-05 08:01:00" in read(f"/imports/{guid}")
        assert "Void since 2026-01-05 08:00:00" in read(f"/batches/{batch}")

    def test_bills_that_a_later_row_of_the_same_file_has_replaced(self, api, read):
        task = api.imported(advanced(["1001"], ["1002", "20250101", "20250131", "A", "M2"], ["1001"]))
        assert "1 replaced by later rows of the same file" in read(f"/imports/{task['taskGUId']}")

    def test_a_deleted_batch_and_its_bills(self, scene, read):
        scene.sandbox.advance(60)
        assert scene.api.call("DELETE", f"/api/v3/batch/{scene.closed}").status_code == 204
        gone = read(f"/batches/{scene.closed}")
        assert "NYCHA electric 2026-01 Deleted This batch was deleted at 2026-01-05 08:01:16" in gone
        assert "32 deleted with the batch at 2026-01-05 08:01:16" in read(f"/imports/{scene.first}")
        assert "NYCHA electric 2026-01 (deleted)" in read("/")

    def test_a_running_import(self, sandbox, api, read):
        sandbox.settings.delay = 600
        guid = api.import_file(advanced(["1001"])).json()["taskGUId"]
        sandbox.advance(125)
        assert "Running for 2 min 5 s" in read(f"/imports/{guid}")
        assert "1 running" in read("/")


class TestFilter:
    """The query of an address leaves out what does not match."""

    @pytest.mark.parametrize(
        ("query", "batches", "imports"),
        [
            ({"q": "BLD_05"}, 1, 2),  # names of files, in any case
            ({"q": "118.0 - bld 05"}, 0, 1),  # a value of a kicked-out row
            ({"q": "not found"}, 0, 1),  # a reason
            ({"q": "analyst"}, 1, 0),  # the note of a batch
            ({"q": "kickouts corrected"}, 0, 1),  # the note of an import
            ({"q": "nycha corrections"}, 1, 2),  # a code
            ({"q": "nothing has this"}, 0, 0),
            ({"outcome": "kickouts"}, 2, 1),
            ({"outcome": "running"}, 2, 0),
            ({"status": "Closed"}, 1, 4),
            ({"q": "bld_05", "status": "Closed", "outcome": "completed"}, 0, 2),
        ],
    )
    def test_of_the_overview(self, scene, read, query, batches, imports):
        words = (
            f"{batches} {'batch' if batches == 1 else 'batches'} and {imports} import{'s' * (imports != 1)} match"
        )
        assert words in read("/", **query)

    def test_by_a_part_of_a_guid(self, scene, read):
        assert "1 import match" in read("/", q=scene.retry[:13])

    def test_ignores_case_in_any_language(self, sandbox, api, read):
        api.open_batch("GEBÄUDE ÉTÉ")
        assert "1 batch and" in read("/", q="gebäude été")

    def test_of_an_import(self, scene, read):
        page = read(f"/imports/{scene.first}", q="red hook")
        assert "2 kicked-out rows and 0 bills match" in page
        assert "ADAMS" not in page

    def test_keeps_to_what_is_known(self, scene, read):
        assert "match" not in read("/", outcome="unknown", status="DROP TABLE", rows="-1")

    @pytest.mark.parametrize("rows", ["999999999999", "1e3", "²", "0", ""])
    def test_any_number_of_rows_is_answered(self, scene, read, rows):
        assert "Bill imports" in read("/", rows=rows)

    def test_a_long_list_shows_more_on_demand(self, api, read):
        for number in range(53):
            api.open_batch(f"batch {number:02d}", closeExistingBatch=True)
        assert "50 of 53 batches Show 3 more" in (page := read("/"))
        assert "batch 00" not in page
        assert "batch 00" in (page := read("/", rows="100"))
        assert "Show" not in page


class TestRequests:
    """A page shows the requests about its import or batch."""

    def test_of_an_import_repeated_ones_are_counted(self, scene, read):
        page = read(f"/imports/{scene.first}").partition("Requests")[2]
        assert "POST /api/v3/import/bill 200" in page
        assert f"GET /api/v3/task/{scene.first} 4 times 200" in page
        assert f"/api/v202401/import/bill/task/{scene.first}/kickout 200" in page
        assert scene.replaced not in page

    def test_of_a_batch(self, scene, read):
        page = read(f"/batches/{scene.closed}").partition("Requests")[2]
        assert "POST /api/v3/batch 200" in page
        assert f"PUT /api/v202206/batch/{scene.closed}/status 204" in page
        assert f"/batch/{scene.pending}/" not in page

    def test_a_batch_whose_id_begins_like_another(self, sandbox, api, read):
        ids = [api.open_batch(f"b{number}") for number in range(10)]
        api.get(f"/api/v3/batch/{ids[9]}")
        assert f"/api/v3/batch/{ids[9]}" not in read(f"/batches/{ids[0]}")
        assert f"/api/v3/batch/{ids[9]}" in read(f"/batches/{ids[9]}")

    def test_faults_and_lost_answers(self, sandbox, api, read):
        guid = api.imported(advanced(["1001"]))["taskGUId"]
        sandbox.fault("GET", f"/api/v3/task/{guid}", status=503)
        sandbox.fault("GET", f"/api/v3/task/{guid}", drop="before")
        assert api.call("GET", f"/api/v3/task/{guid}").status_code == 503
        with pytest.raises(requests.ConnectionError):
            api.call("GET", f"/api/v3/task/{guid}")
        page = read(f"/imports/{guid}")
        assert "fault: status=503 503" in page
        assert "fault: drop=before no answer" in page

    def test_a_body_without_the_file(self, api, read):
        text = advanced(*(["1001", f"202501{day:02d}"] for day in range(1, 20)))
        guid = api.imported(text, "long.csv", importNote="the note")["taskGUId"]
        page = read(f"/imports/{guid}")
        assert '"importNote": "the note"' in page
        assert re.search(r'"data": "\([\d,]+ characters\)"', page)


class TestForeignTexts:
    """Names, notes and values from outside are shown, and do nothing."""

    def test_markup_is_shown_as_text(self, sandbox, api):
        batch = api.open_batch(f"batch {EVIL}", note=f'note "{EVIL}')
        header = f"ACCOUNT,STARTDATE,ENDDATE,ACE,METERCODE,{EVIL}\n"
        task = api.imported(
            f'{header}account {EVIL},20250101,20250131,A,M,"\' onmouseover=x {EVIL}"\n',
            f"file {EVIL}.csv",
            importNote=f"import {EVIL}",
            comment=f"comment {EVIL}",
        )
        user = Api(sandbox, sandbox.add_user(f"user {EVIL}"))
        user.get(f"/api/v3/task/{task['taskGUId']}", filter=EVIL)
        for path in (
            "/",
            f"/batches/{batch}",
            f"/imports/{task['taskGUId']}",
            f"/?q={EVIL}",
            f"/imports/{EVIL[:8]}",
        ):
            page = get(sandbox, path)
            scripts = re.findall(r"<script[^>]*>", page.text)
            assert scripts == ['<script src="/assets/theme.js">', '<script src="/assets/live.js" defer>']
            assert "<script&gt;" not in page.text
            assert "onmouseover=x <" not in page.text
        shown = get(sandbox, f"/imports/{task['taskGUId']}").text
        for name in ("batch", "account", "file", "import", "comment"):
            assert f"{name} &lt;script&gt;alert(1)&lt;/script&gt;" in shown

    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            ("a\x1b[31mb", "a\u241b[31mb"),
            ("a\x00b", "a\u2400b"),
            ("a\u202eb", "a\\u202eb"),
            ("a\u2066b", "a\\u2066b"),
            ("a\x9bb", "a\\u009bb"),
            ("é 日本 👩‍🔧", "é 日本 👩‍🔧"),
        ],
    )
    def test_control_characters_are_visible(self, api, read, raw, shown):
        api.open_batch(raw, note=raw)
        page = read("/")
        assert page.count(shown) == 2

    def test_the_api_key_is_on_no_page(self, sandbox, api):
        key = "a+key/with\"quotes&more='1'"
        other = Api(sandbox, sandbox._env.add_user("quoting", None, {"create": True, "view": True}, key))
        secrets = (sandbox.api_key, sandbox.token, key)
        text = " ".join(secrets)
        batch = other.open_batch(text[:32], note=text)
        task = other.imported(advanced([text], [sandbox.api_key]), "f.csv", importNote=text, comment=text)
        other.call("GET", f"/api/v3/task/{task['taskGUId']}", params={"filter": text, sandbox.api_key: "x"})
        for path in ("/", f"/batches/{batch}", f"/imports/{task['taskGUId']}", f"/?q={sandbox.api_key}"):
            page = get(sandbox, path).text
            assert "••••••••" in page
            for secret in (sandbox.api_key, sandbox.token, "a+key", "a%2Bkey"):
                assert secret not in page, (path, page[page.index(secret) - 80 :][:160])

    def test_half_a_surrogate_is_shown(self, api, read):
        guid = api.imported(advanced(["1001"]))["taskGUId"]
        # JSON can name what no encoding can write.
        api.call("PUT", f"/api/v3/task/{guid}", data=b'{"taskNote": "a", "extra": "\\ud800"}')
        assert guid in read(f"/imports/{guid}")


class TestAnswers:
    """Headers, and pages of what is not there."""

    @pytest.mark.parametrize("path", ["/", "/batches/1", "/imports/none", "/assets/live.js", "/assets/style.css"])
    def test_a_page_may_load_from_its_own_host_only(self, sandbox, path):
        policy = get(sandbox, path).headers["Content-Security-Policy"]
        sources = dict(part.split(" ", 1) for part in policy.split("; "))
        assert sources.pop("default-src") == "'none'"
        assert set(sources.values()) <= {"'self'", "'none'"}
        assert sources["script-src"] == sources["connect-src"] == "'self'"
        assert get(sandbox, path).headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("name", ["style.css", "live.js", "theme.js", "icon.svg"])
    def test_assets(self, sandbox, name):
        answer = get(sandbox, f"/assets/{name}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(("text/css", "text/javascript", "image/svg+xml"))
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert f'"/assets/{name}"' in get(sandbox, "/").text

    @pytest.mark.parametrize("name", ["none.js", "..%2Fpages.py", "%2e%2e/pages.py"])
    def test_no_other_file_is_an_asset(self, sandbox, name):
        assert get(sandbox, f"/assets/{name}").status_code == 404

    @pytest.mark.parametrize(
        "path", ["/batches/99", "/batches/x", "/batches/²", f"/batches/{'9' * 40}", f"/imports/{uuid.UUID(int=0)}"]
    )
    def test_what_is_not_there_says_so(self, read, path):
        assert f"There is no {path[1:7].rstrip('e')}" in read(path, expected=404)

    def test_pages_are_in_no_request_log(self, sandbox):
        get(sandbox, "/")
        assert sandbox.requests == []

    def test_empty_states_say_what_to_do(self):
        with Sandbox() as empty:
            page = get(empty, "/").text
            assert "This sandbox has no accounts yet" in page
            assert f'"host": "{empty.url}"' in page
            assert "OpenBatchOperator" in page
            empty.add_account("1001", ["M1"])
            assert "no accounts yet" not in get(empty, "/").text
