"""Rebills and torn bills: both are rows of one bill's account and dates with other rows between them."""

from __future__ import annotations

import zlib
from functools import lru_cache

#: A detail is a number: 44 bits of the meter, 18 bits of the invoice number, 2 bits of the flag A/C/E.
_LABEL_BITS, _FLAG_BITS = 20, 2
#: What a detail has of the hash of a meter; the rest is the label.
METER = -1 << _LABEL_BITS
_FLAG = (1 << _FLAG_BITS) - 1
_INVOICE = (1 << _LABEL_BITS - _FLAG_BITS) - 1
_FLAGS = {"": 0, "E": 1, "C": 2}
#: What counts as A (help centre, legacy); a row without a flag has that of its bill.
_ACTUAL = 3


@lru_cache(maxsize=4096)
def label_of(flag: str, invoice: str) -> int:
    """
    Return the label of a row: its flag and its invoice number.

    :param flag: its flag A/C/E, without spaces around it; anything but C and E counts as A.
    :param invoice: its invoice number, likewise; empty where it has none.
    """
    number = 1 + zlib.crc32(invoice.encode("utf-8", "surrogatepass")) % _INVOICE if invoice else 0
    return number << _FLAG_BITS | _FLAGS.get(flag.upper(), _ACTUAL)


def is_corrected(label: int) -> bool:
    """
    Return whether a row is flagged C, so that EnergyCAP keeps the bills of the same dates.

    :param label: the row's label, or its detail.
    """
    return label & _FLAG == _FLAGS["C"]


def flags_differ(label: int, other: int) -> bool:
    """
    Return whether the flags of two rows differ.

    :param label: the label of one row, or its detail.
    :param other: that of the other one; a row without a flag differs from none.
    """
    flag, other_flag = label & _FLAG, other & _FLAG
    return bool(flag and other_flag and flag != other_flag)


def differ(label: int, other: int) -> bool:
    """
    Return whether two rows belong to different bills: their flags differ, or their invoice numbers.

    :param label: the label of one row, or its detail.
    :param other: that of the other one; a row without a flag or an invoice number belongs to any.
    """
    number, other_number = (found >> _FLAG_BITS & _INVOICE for found in (label, other))
    return flags_differ(label, other) or bool(number and other_number and number != other_number)


def detail_of(meter: int, label: int) -> int:
    """
    Return the detail of a row.

    :param meter: a hash of its meter.
    :param label: its label.
    """
    return meter & METER | label


def meter_bits(detail: int) -> int:
    """
    Return the part of a detail that stands for the meter.

    :param detail: the detail of a row.
    """
    return detail >> _LABEL_BITS


def repetition_of(before: list[int], details: list[int]) -> str:
    """
    Return the code of the rule that a bill breaks whose account and dates were there before.

    :param before: the details of the rows before.
    :param details: the details of the rows of the bill.
    """
    # EnergyCAP takes the flag of a bill from its first row.
    if is_corrected(details[0]):
        return "correction_added"
    meters, meters_before = (set(map(meter_bits, found)) for found in (details, before))
    if meters.isdisjoint(meters_before) and not differ(before[0], details[0]):
        return "bill_torn"
    return "bill_rebilled" if meters >= meters_before else "bill_meters_lost"
