"""Import profiles."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_api import MAPPING, profile


class TestProfiles:
    PATH = "/api/v3/import/bill/profile"

    def test_are_created_listed_edited_and_deleted(self, sandbox, api):
        created = api.call("POST", self.PATH, {"profileCode": "P", "columnMapping": MAPPING})
        assert created.status_code == 200
        shown = created.json()
        assert (shown["profileId"], shown["profileCode"]) == (1, "P")
        assert {name: shown["columnMapping"][name] for name in MAPPING} == MAPPING
        assert api.get(self.PATH) == [shown]
        assert api.get(self.PATH + "/1", field="profileCode") == {"profileCode": "P"}
        profile(api, "Q")
        taken = {"profileCode": "Q", "columnMapping": MAPPING}
        assert api.call("PUT", self.PATH + "/1", taken).status_code == 400
        assert api.call("PUT", self.PATH + "/1", taken | {"profileCode": "R"}).json()["profileCode"] == "R"
        assert api.call("POST", self.PATH, taken).status_code == 400
        assert api.call("DELETE", self.PATH + "/1").status_code == 204
        assert [api.call(method, self.PATH + "/1").status_code for method in ("GET", "DELETE")] == [404, 404]
        assert [found["profile_code"] for found in sandbox.profiles()] == ["Q"]

    @pytest.mark.parametrize(
        ("changed", "named"),
        [
            ({"dateFormat": "MM/dd/yyyy"}, "dateFormat"),
            ({"dateFormat": None}, "dateFormat"),
            ({"accountCodeColumnIndex": 0}, "accountCodeColumnIndex"),
            ({"endDateColumnIndex": None}, "endDateColumnIndex"),
            ({"rateColumnIndex": 2**31}, "rateColumnIndex"),
            ({"vendorCodeColumnIndex": "2"}, "vendorCodeColumnIndex"),
            ({"observations": []}, "observations"),
            ({"observations": None}, "observations"),
            ({"observations": [{**MAPPING["observations"][0], "caption": "c" * 33}]}, "observations[0].caption"),
            ({"observations": [{**MAPPING["observations"][0], "unitCode": None}]}, "observations[0].unitCode"),
        ],
    )
    def test_mappings_are_checked(self, sandbox, api, changed, named):
        answer = api.call("POST", self.PATH, {"profileCode": "P", "columnMapping": MAPPING | changed})
        assert answer.status_code == 400
        assert named in answer.json()["message"]
        assert sandbox.profiles() == []

    def test_codes_are_short(self, api):
        assert api.call("POST", self.PATH, {"profileCode": "x" * 65, "columnMapping": MAPPING}).status_code == 400
        assert api.call("POST", self.PATH, {"profileCode": "x" * 64, "columnMapping": MAPPING}).status_code == 200
