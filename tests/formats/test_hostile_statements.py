"""Files that mean harm, and files of the wrong kind: refused with what and where, in little time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.formats.errors import FileRefused
from app.formats.statements import agreement
from tests.support.statement_files import read_bytes
from tests.support.statement_writers import WRITERS, Booking, camt, mt940, ofx

SECONDS = 20.0
"""Far more than a refusal takes on a busy machine, far less than an attack that works."""
TWO = [Booking(100, "a", "R1"), Booking(-300, "b", "R2")]
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))


def with_type(subset: str, text: str) -> bytes:
    """A right statement with a document type before it and an entity in its text."""
    body = camt([Booking(100, "here")]).decode().replace("here", text)
    return body.replace("?><", f"?><!DOCTYPE Document [{subset}]><", 1).encode()


@pytest.mark.parametrize(
    ("subset", "text"),
    [
        (LAUGHS, "&l11;"),
        ('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
        ('<!ENTITY x SYSTEM "http://127.0.0.1:1/x">', "&x;"),
        ('<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;', "plain"),
        ("", "plain"),
    ],
)
def test_no_document_type(tmp_path: Path, subset: str, text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(FileRefused, match=r"document type|no whole XML") as refused:
        read_bytes(tmp_path, "camt", with_type(subset, text))
    assert time.monotonic() - begun < SECONDS
    assert "root:" not in str(refused.value)


def test_entities_in_an_attribute_do_not_grow(tmp_path: Path) -> None:
    written = with_type(LAUGHS, "x").replace(b'Ccy="EUR"', b'Ccy="&l11;"')
    with pytest.raises(FileRefused):
        read_bytes(tmp_path, "camt", written)


def test_an_entity_without_a_type_is_no_xml(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="line 1: it is no whole XML document: Entity"):
        read_bytes(tmp_path, "camt", camt([Booking(100, "X")]).replace(b">X<", b">&x;<"))


def test_ofx_has_no_document_type_either(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="document type"):
        read_bytes(tmp_path, "ofx", ofx(TWO).replace(b"<OFX>", b'<!DOCTYPE OFX [<!ENTITY x "y">]><OFX>', 1))


def test_depth_is_bounded(tmp_path: Path) -> None:
    deep = b"<a>" * 10_000 + b"</a>" * 10_000
    with pytest.raises(FileRefused, match=r"tags in one another|no whole XML"):
        read_bytes(tmp_path, "camt", camt(TWO).replace(b"</Ntry>", deep + b"</Ntry>", 1))


def test_the_size_of_one_part_is_bounded(tmp_path: Path) -> None:
    wide = b"<X>1</X>" * 120_000
    with pytest.raises(FileRefused, match="one part has over 100,000 elements"):
        read_bytes(tmp_path, "camt", camt(TWO).replace(b"</Ntry>", wide + b"</Ntry>", 1))


def test_a_batch_of_many_details_is_one_line(tmp_path: Path) -> None:
    one = b"<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><RmtInf><Ustrd>T</Ustrd></RmtInf></TxDtls>"
    found = read_bytes(tmp_path, "camt", camt(TWO).replace(b"</NtryDtls>", one * 60_000 + b"</NtryDtls>", 1))
    assert (len(found.lines), len(found.lines[0].remittance or "")) == (2, 3)


@pytest.mark.parametrize("form", list(WRITERS))
@pytest.mark.parametrize("other", [*WRITERS, "csv", "json", "pain"])
def test_a_file_given_to_the_wrong_format(tmp_path: Path, form: str, other: str) -> None:
    if form == other:
        return
    others = {
        "csv": b"Date,Amount\n2026-11-20,1.00\n",
        "json": b'{"a": [1, 2]}\n',
        "pain": b'<?xml version="1.0"?><Document><CstmrCdtTrfInitn><GrpHdr/></CstmrCdtTrfInitn></Document>',
    }
    written = others[other] if other in others else WRITERS[other](TWO)
    with pytest.raises(FileRefused):
        read_bytes(tmp_path, form, written)


@pytest.mark.parametrize("form", list(WRITERS))
def test_nul_and_binary(tmp_path: Path, form: str) -> None:
    written = WRITERS[form](TWO)
    for harm in (
        written.replace(b"a", b"\x00", 1),
        b"\x00" * 1000,
        bytes(range(256)) * 40,
        b"PK\x03\x04" + written,
    ):
        with pytest.raises(FileRefused):
            read_bytes(tmp_path, form, harm)


def test_xml_that_is_not_in_the_encoding_it_says(tmp_path: Path) -> None:
    text = camt([Booking(1, "Zürich")]).decode()
    with pytest.raises(FileRefused, match="is not UTF-8"):
        read_bytes(tmp_path, "camt", text.encode("cp1252"))
    for unknown in ("no-such-code", "hex"):
        with pytest.raises(FileRefused, match="no encoding that is known"):
            read_bytes(tmp_path, "camt", text.replace("UTF-8", unknown).encode())
    (line,) = read_bytes(tmp_path, "camt", text.encode("utf-16")).lines  # says UTF-8; its mark says better
    assert line.remittance == "Zürich"


@pytest.mark.parametrize("form", list(WRITERS))
@pytest.mark.parametrize("amount", ["9" * 19, "9" * 400, "1e5", "NaN", "Infinity", "-", "", "1 000", "0x10"])
def test_amounts_that_are_none(tmp_path: Path, form: str, amount: str) -> None:
    """Too large for the books or no amount at all: this entry is quarantined, the other one is read."""
    written = WRITERS[form]([Booking(987654, "x", "R1"), Booking(100, "b", "R2")])
    broken = written
    for there in (b">9876.54<", b"<TRNAMT>9876.54", b"C9876,54N", b",987654,"):
        broken = broken.replace(there, there.replace(there.strip(b"><,CNTRAM"), amount.encode()), 1)
    assert broken != written
    found = read_bytes(tmp_path, form, broken)
    assert [line.amount for line in found.lines] == [100]
    assert len(found.problems) == 1


@pytest.mark.parametrize("form", list(WRITERS))
def test_a_reference_longer_than_an_id(tmp_path: Path, form: str) -> None:
    (line,) = read_bytes(tmp_path, form, WRITERS[form]([Booking(1, "x", "R" * 5_000)])).lines
    assert len(line.line_id) < 50


@pytest.mark.parametrize("length", range(0, 900, 37))
def test_xml_cut_anywhere(tmp_path: Path, length: int) -> None:
    with pytest.raises(FileRefused):
        read_bytes(tmp_path, "camt", camt(TWO)[:length])


def test_an_unknown_side_is_not_guessed(tmp_path: Path) -> None:
    written = camt(TWO).replace(b"CRDT</CdtDbtInd><Sts>", b"CREDIT</CdtDbtInd><Sts>", 1)
    found = read_bytes(tmp_path, "camt", written)
    assert found.problems == ["CdtDbtInd says 'CREDIT', neither CRDT nor DBIT"]
    assert agreement(found.only).agrees is None


def test_a_bai2_type_of_neither_side_is_not_guessed(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, "bai2", WRITERS["bai2"](TWO).replace(b"16,165,", b"16,890,"))
    assert found.problems == ["type '890' is neither of credits nor of debits"]


@pytest.mark.parametrize("status", [b"2", b"4"])
def test_bai2_deletions_and_tests_are_for_a_person(tmp_path: Path, status: bytes) -> None:
    written = WRITERS["bai2"](TWO).replace(b"02,US,BANK,1,", b"02,US,BANK," + status + b",")
    with pytest.raises(FileRefused, match="a person has to look at it"):
        read_bytes(tmp_path, "bai2", written)


def test_bai2_totals_that_contradict_are_said(tmp_path: Path) -> None:
    written = WRITERS["bai2"](TWO)
    account = next(line for line in written.split(b"\n") if line.startswith(b"49,"))
    found = read_bytes(tmp_path, "bai2", written.replace(account, b"49,7,9/"))
    assert len(found.warnings) == 2
    assert len(found.lines) == 2


def test_mt940_without_an_account(tmp_path: Path) -> None:
    with pytest.raises(FileRefused):
        read_bytes(
            tmp_path,
            "mt940",
            b"\r\n".join(line for line in mt940(TWO).split(b"\r\n") if not line.startswith(b":25:")),
        )


def test_statements_beyond_the_list_are_read_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.formats.statement_rows.MOST_STATEMENTS", 2)
    monkeypatch.setattr("app.formats.statement_rows.MOST_WARNINGS", 1)
    found = read_bytes(tmp_path, "mt940", b"".join(mt940([Booking(n)], closing=5) for n in range(6, 11)))
    assert (len(found.lines), len(found.statements)) == (5, 2)
    assert found.warnings[1:] == ["there are more warnings, which are not shown"]
