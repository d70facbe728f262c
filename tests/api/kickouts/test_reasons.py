"""Where the reason of a kickout is corrected, by the words of its message."""

from __future__ import annotations

import pytest

from eci_provider.api.kickouts.reasons import correct_in

MASTER_DATA = [
    "Account code 'A-1' was not found.",
    "Account code 'A-1' was not found for vendor code 'V'.",
    "Account 'A-1' is not active.",
    "Account 'A-1' has an alert that blocks the import: ask Jane",
    "Start date 01/01/2026 is before the service start of account 'A-1'.",
    "End date 01/31/2026 is after the service end of account 'A-1'.",
    "Meter 'M' was not found on account 'A-1'.",
    "Vendor does not exist",
    # A value of the file says nothing about the reason.
    "Account code 'is not a number' was not found.",
    'Meter "is required" was not found.',
]
CELLS = [
    "Consumption '$5' is not a number.",
    "Pay amount '1,5' is not a number.",
    "Start date '2026-13-01' is not a date in the format mm/dd/yyyy.",
    "End date is required.",
    "Account code is required.",
    "Account code 'A-1' exists with more than one vendor; a vendor code is required.",
    "End date 01/01/2026 is before start date 01/31/2026.",
    "Invalid date",
    "Consumption 'not found' is not a number.",
]
UNKNOWN = [
    "",
    "Rejected.",
    "'!AUTO!' fits 2 meters of account 'A-1'; it must fit one.",
    "Account code 'A-1' was not found.; Consumption '$5' is not a number.",
    "'" * 5000,
]


@pytest.mark.parametrize("message", MASTER_DATA)
def test_master_data_is_corrected_in_energycap(message: str) -> None:
    assert correct_in(message) == "EnergyCAP"
    assert correct_in(message.upper()) == "EnergyCAP"


@pytest.mark.parametrize("message", CELLS)
def test_cells_are_corrected_in_the_file(message: str) -> None:
    assert correct_in(message) == "the file"


@pytest.mark.parametrize("message", UNKNOWN)
def test_what_is_not_known_may_be_either(message: str) -> None:
    assert correct_in(message) == "EnergyCAP or the file"
