"""What a file is that is not what its name says: by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

#: How many bytes at the start of a file are looked at.
HEAD = 512
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
# The name of the stream that holds a password-protected workbook.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BLOCK = 256 * 1024
_OLD_WORKBOOK = "it is an old .xls workbook. Save it as .xlsx, or as 'CSV UTF-8'."
_PROTECTED = "it is password-protected. Save it without a password."
_STARTS = (
    (_OLE, _OLD_WORKBOOK),
    (b"\x1f\x8b", "it is compressed with gzip. Unpack it first."),
    (b"%PDF", "it is a PDF document. Ask the sender for a CSV or Excel file."),
    (b"\x89PNG", "it is a picture. Ask the sender for a CSV or Excel file."),
    (b"\xff\xd8\xff", "it is a picture. Ask the sender for a CSV or Excel file."),
    (b"<?xml", "it is an XML document. Save it as .xlsx, or as 'CSV UTF-8'."),
    (b'{"', "it is JSON. Save its rows as 'CSV UTF-8'."),
    (b"[{", "it is JSON. Save its rows as 'CSV UTF-8'."),
    (b"{\\rtf", "it is an RTF document. Save its table as 'CSV UTF-8'."),
)
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<script", b"<!--")
_PAGE = "it is an HTML page, perhaps of a log-in or an error. Download the file again, and look at it."
#: The first characters of all of these, as a text file read with surrogates has them.
SUSPICIOUS = frozenset("\n\r\t \x1f%<{[P\udcd0\udc89\udcff")


def other_kind(head: bytes, *, is_text: bool) -> str | None:
    """
    Return what a file is, as a sentence that says what to do; None where it may be what its name says.

    :param head: its first bytes, :data:`HEAD` at most.
    :param is_text: whether its name says that it is a text file.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for wanted, problem in _STARTS:
        if head.startswith(wanted) or start.startswith(wanted):
            return problem
    if start.lower().startswith(_HTML):
        return _PAGE
    if is_text:
        is_zip = head.startswith(_ZIP)
        return "it is an Excel workbook or a ZIP. Let its name end in .xlsx or .zip." if is_zip else None
    if not head.startswith(b"PK") and b"\0" not in head and head.strip():
        return "it is text. Let its name end in .csv."
    return None


def other_kind_of(file: BinaryIO) -> str | None:
    """
    Return the same of a workbook or a ZIP, which is read from its start again afterwards.

    :param file: the file, which can seek.
    """
    file.seek(0)
    head = file.read(HEAD)
    problem = other_kind(head, is_text=False)
    if problem == _OLD_WORKBOOK:
        left = head
        while block := file.read(_BLOCK):
            if _ENCRYPTED in left + block:
                problem = _PROTECTED
                break
            left = block[-len(_ENCRYPTED) :]
    file.seek(0)
    return problem
