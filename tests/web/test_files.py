"""`POST /v1/files`: read as `ingest` reads; known by its hash; what is wrong is said; nothing stays."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from app.contracts.topics import specs
from app.domain.configuration import FeePlan, Platform, SourceConfiguration
from app.domain.source_files import SourceFile
from app.domain.streams import BANK_LINES, SETTLEMENTS_LINES
from app.ingest.jobs import STOPPED, Jobs
from app.settings import Settings, load_settings
from tests.support.source_files import line, source, written_as
from tests.support.topics import make_anew
from tests.support.waiting import eventually
from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.tail import FakeTail
from web.application import build
from web.file_intake import Uploads
from web.keys import KeyHasher

pytestmark = pytest.mark.stack
MOST_BYTES = 2_000_000
TRAILER = {"when": [{"column": "batch", "equals": ["T"]}], "count": "id"}
SOURCES = {
    "acquirer-a": source(trailer={**TRAILER, "required": False}),
    "live-only": SourceConfiguration(psp="stripe"),
}


async def configure(pool: Any, **changes: SourceConfiguration) -> None:
    platform = Platform(
        version=1,
        default_plan=FeePlan(),
        default_release_delay_days=0,
        release_delay_seconds=None,
        psps={},
        sources=SOURCES | changes,
    )
    await pool.execute(
        "INSERT INTO platform (topic, partition, version, state) VALUES ('t', 0, 1, $1)"
        " ON CONFLICT (topic, partition) DO UPDATE SET state = excluded.state",
        msgspec.json.encode(platform).decode(),
    )


@pytest.fixture
async def settings(kafka: str, database: str, tmp_path: Path) -> Settings:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database, "TALLYSTICK_PARTITIONS": "1"}
    await make_anew(kafka, [spec for spec in specs(1) if spec.name == SETTLEMENTS_LINES])
    return load_settings(environ, tmp_path)


@pytest.fixture
def uploads(pool: Any, settings: Settings) -> Uploads:
    return Uploads(Jobs(pool, lambda: settings), settings.upload_dir, MOST_BYTES)


@pytest.fixture
async def taking(pool: Any, uploads: Uploads, ends: FakeEnds, tail: FakeTail) -> AsyncIterator[Web]:
    await configure(pool)
    hasher = KeyHasher([SECRET])
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, uploads=uploads)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


@pytest.fixture
async def machine(taking: Web) -> dict[str, str]:
    return await taking.key("ingest")


def form(body: bytes, name: str = "lines.csv", source_name: str = "acquirer-a") -> FormData:
    found = FormData(quote_fields=False)
    found.add_field("source", source_name)
    found.add_field("file", io.BytesIO(body), filename=name)
    return found


async def post(
    web: Web, headers: dict[str, str], data: Any, wait: int = 10
) -> tuple[int, Any, dict[str, str]]:
    wanted = headers | {"Prefer": f"wait={wait}"}
    async with web.client.post("/v1/files", data=data, headers=wanted) as response:
        return response.status, await response.json(content_type=None), dict(response.headers)


def left_behind(settings: Settings) -> list[Path]:
    folder = settings.upload_dir
    return list(folder.iterdir()) if folder.exists() else []


async def test_a_file_is_read_and_the_same_one_again_has_the_same_answer(
    taking: Web, machine: dict[str, str], settings: Settings
) -> None:
    body = written_as("csv", [line(1), line(2), line(3, gross="garbled")])
    status, found, headers = await post(taking, machine, form(body))
    assert (status, found["status"], found["rows"], found["sent"]) == (200, "done", 3, 2)
    assert found["sha256"] == hashlib.sha256(body).hexdigest()
    assert found["sums"] == {"EUR": {"gross": 20000, "fee": 300, "tax": 0, "reserve": 0, "net": 19700}}
    assert [(row["row"], row["line"]) for row in found["quarantined_rows"]] == [(3, 4)]
    assert "garbled" in found["quarantined_rows"][0]["raw"]
    assert found["report"]["records"] == {"settlement.line.capture": 2}
    assert found["report"]["file"] == "lines.csv"
    again = await post(taking, machine, form(body, name="other.csv"))
    assert again[:2] == (200, found)
    assert await taking.get(headers["Location"], machine) == (
        200,
        {"sha256": found["sha256"], "items": [found]},
    )
    assert left_behind(settings) == []


async def test_another_description_reads_it_anew(taking: Web, machine: dict[str, str]) -> None:
    body = written_as("csv", [line(1, gross="1.234,50", fee="0,00"), line(2, gross="7,00", fee="0,00")])
    status, found, _ = await post(taking, machine, form(body))
    assert (status, found["sent"], found["quarantined"]) == (200, 0, 2)
    await configure(taking.pool, **{"acquirer-a": source(numbers={"decimal": ",", "group": "."})})
    status, found, _ = await post(taking, machine, form(body))
    assert (status, found["sent"], found["quarantined"], found["quarantined_rows"]) == (200, 2, 0, [])


async def test_a_file_that_is_wrong_as_a_whole_is_a_problem_that_says_why(
    taking: Web, machine: dict[str, str], settings: Settings
) -> None:
    body = written_as("csv", [line(1)]) + b"T,7,,,,,\r\n"
    for _ in range(2):
        status, problem, headers = await post(taking, machine, form(body))
        assert (status, problem["code"]) == (422, "file_refused")
        assert problem["detail"] == "the trailer in row 2 says 7 rows, there are 1"
    _, known = await taking.get(headers["Location"], machine)
    assert (known["items"][0]["status"], known["items"][0]["sent"]) == ("quarantined", 0)
    for wrong, words in (
        (b"", "lines.csv is empty"),
        (b"PK\x03\x04 and so on", "lines.csv is a ZIP archive"),
        (b"a,b\n1,2\n", "lines.csv has no column"),
        (b"batch\xff\n", "lines.csv, line 1: byte 5 (0xff) is not utf-8"),
    ):
        status, problem, _ = await post(taking, machine, form(wrong))
        assert (status, problem["code"]) == (422, "file_refused")
        assert words in problem["detail"]
        assert str(settings.upload_dir) not in problem["detail"]
    assert left_behind(settings) == []


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (lambda: {"source": "acquirer-a"}, 415, "multipart/form-data"),
        (lambda: form(b"x", source_name="nowhere"), 422, "has no source 'nowhere'"),
        (lambda: form(b"x", source_name="live-only"), 422, "has no `file`"),
        (lambda: form(b"x" * (MOST_BYTES + 1)), 413, "at most 2000000 bytes"),
    ],
)
async def test_what_cannot_be_taken_is_said(
    taking: Web, machine: dict[str, str], settings: Settings, data: Any, status: int, words: str
) -> None:
    found, problem, _ = await post(taking, machine, data())
    assert found == status
    assert words in problem["detail"]
    assert left_behind(settings) == []


async def test_fields_that_are_missing_doubled_or_unknown(taking: Web, machine: dict[str, str]) -> None:
    without, twice, unknown = FormData(), form(b"x"), form(b"x")
    without.add_field("file", b"x", filename="x")
    twice.add_field("file", b"y", filename="y")
    unknown.add_field("sauce", b"y", filename="y")
    for data, name in ((without, "source"), (twice, "file"), (unknown, "sauce")):
        status, problem, _ = await post(taking, machine, data)
        assert (status, problem["errors"][0]["parameter"]) == (422, name)


async def test_a_form_that_is_cut_off_leaves_nothing(
    taking: Web, machine: dict[str, str], settings: Settings
) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nhalf a fi'
    headers = machine | {"Content-Type": "multipart/form-data; boundary=b"}
    async with taking.client.post("/v1/files", data=head, headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, "bad_request")
    assert left_behind(settings) == []


async def test_who_does_not_wait_is_told_where_to_look(taking: Web, machine: dict[str, str]) -> None:
    body = written_as("csv", [line(n) for n in range(2_500)])
    status, found, headers = await post(taking, machine, form(body), wait=0)
    assert status in (200, 202)
    again = await post(taking, machine, form(body), wait=0)
    assert again[1]["sha256"] == found["sha256"]

    async def done() -> bool:
        _, known = await taking.get(headers["Location"], machine)
        return bool(known["items"][0]["status"] == "done" and known["items"][0]["sent"] == 2_500)

    await eventually(done, 30, "the file is read")


async def test_many_senders_of_the_same_file_at_once(taking: Web, machine: dict[str, str]) -> None:
    body = written_as("csv", [line(n) for n in range(300)])
    answers = await asyncio.gather(*(post(taking, machine, form(body)) for _ in range(6)))
    assert {(status, found["sent"]) for status, found, _ in answers} == {(200, 300)}
    _, listed = await taking.get("/v1/files", machine)
    assert len(listed["items"]) == 1


async def test_the_list_is_newest_first_and_pages(taking: Web, machine: dict[str, str]) -> None:
    for number in range(3):
        await post(taking, machine, form(written_as("csv", [line(number)]), name=f"{number}.csv"))
    _, first = await taking.get("/v1/files?limit=2", machine)
    assert ([one["name"] for one in first["items"]], first["has_more"]) == (["2.csv", "1.csv"], True)
    _, rest = await taking.get(f"/v1/files?limit=2&cursor={first['next_cursor']}", machine)
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["0.csv"], None)
    _, none = await taking.get("/v1/files?status=quarantined,failed", machine)
    assert none["items"] == []
    _, every = await taking.get("/v1/files?status=quarantined&status=done&source=acquirer-a", machine)
    assert len(every["items"]) == 3


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", 403), ("analyst", 403), ("approver", 403), ("operator", 200), ("lead", 200), ("admin", 200)],
)
async def test_who_may_hand_in(taking: Web, role: str, may: int) -> None:
    headers = await taking.key(role)
    status, *_ = await post(taking, headers, form(written_as("csv", [line(1)])))
    assert status == may
    assert (await taking.get("/v1/files", headers))[0] == 200


async def test_merchants_and_strangers_learn_nothing(taking: Web) -> None:
    merchant = await taking.key("merchant", "m-1")
    for headers, status in ((merchant, 403), ({}, 401)):
        assert (await taking.get(f"/v1/files/{'0' * 64}", headers))[0] == status
        assert (await post(taking, headers, form(b"x")))[0] == status


async def test_unknown_hashes(taking: Web, machine: dict[str, str]) -> None:
    for text in ("0" * 64, "zz", "A" * 64, "0" * 63):
        status, problem = await taking.get(f"/v1/files/{text}", machine)
        assert (status, problem["code"]) == (404, "not_found")


async def test_a_reader_that_died_is_told_and_its_file_taken_again(
    taking: Web, machine: dict[str, str]
) -> None:
    body = written_as("csv", [line(1)])
    _, found, headers = await post(taking, machine, form(body))
    await taking.pool.execute(
        "UPDATE files"
        " SET status = 'started', finished_at = NULL, beat_at = clock_timestamp() - interval '1 h'"
    )
    _, known = await taking.get(headers["Location"], machine)
    assert known["items"][0]["status"] == "interrupted"
    status, again, _ = await post(taking, machine, form(body))
    assert (status, again["status"], again["sent"]) == (200, "done", found["sent"])


async def test_a_bank_statement_shows_its_balances(
    taking: Web, machine: dict[str, str], settings: Settings, kafka: str
) -> None:
    await make_anew(kafka, [spec for spec in specs(1) if spec.name == BANK_LINES])
    bank = SourceConfiguration(file=SourceFile(holds="bank", format="mt940"))
    await configure(taking.pool, **{"bank-a": bank})
    body = (
        b":20:S1\r\n:25:ACC-1\r\n:28C:1/1\r\n:60F:C261120EUR100,00\r\n"
        b":61:2611201120C5,00NTRFREF-1\r\n:86:Invoice 7\r\n:62F:C261120EUR105,00\r\n-\r\n"
    )
    status, found, _ = await post(taking, machine, form(body, "day.sta", "bank-a"))
    assert (status, found["status"], found["sent"], found["sums"]) == (
        200, "done", 1, {"EUR": {"credits": 500}},
    )  # fmt: skip
    assert [(one["account"], one["agrees"]) for one in found["report"]["statements"]] == [("ACC-1", True)]
    async with taking.client.get(f"/files/{found['sha256']}") as response:
        assert response.status == 200


async def test_a_process_that_stops_says_so_of_what_it_reads(
    taking: Web, machine: dict[str, str], settings: Settings, uploads: Uploads
) -> None:
    body = written_as("csv", [line(n) for n in range(30_000)])
    _, found, headers = await post(taking, machine, form(body), wait=0)
    await uploads.jobs.stop()
    _, known = await taking.get(headers["Location"], machine)
    assert (known["items"][0]["status"], known["items"][0]["reason"]) == ("failed", STOPPED)
    assert left_behind(settings) == []
    status, again, _ = await post(taking, machine, form(body))
    assert (status, again["sha256"]) in ((200, found["sha256"]), (202, found["sha256"]))


async def test_a_form_of_the_page_leads_to_the_file(
    pool: Any, uploads: Uploads, ends: FakeEnds, tail: FakeTail
) -> None:
    """By who is known by a password that a browser adds: only with the page's own token."""
    await configure(pool)
    hasher = KeyHasher([SECRET])
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=False, uploads=uploads)
    async with TestClient(TestServer(app)) as client:
        bearer = await Web(client, pool, hasher, ends, tail).key("operator")
        password = bearer["Authorization"].removeprefix("Bearer ")
        headers = {
            "Authorization": f"Basic {b64encode(f'me:{password}'.encode()).decode()}",
            "Origin": str(client.make_url("/"))[:-1],
        }
        async with client.get("/files", headers=headers) as response:
            action = re.search(r'action="(/files\?csrf_token=[^"]+)"', await response.text())
        assert action
        body = written_as("csv", [line(1)])
        async with client.post("/files", data=form(body), headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (403, "csrf_refused")
        async with client.post(action[1], data=form(body), headers=headers) as response:
            assert (response.status, response.url.path) == (200, f"/files/{hashlib.sha256(body).hexdigest()}")
            assert "lines.csv" in await response.text()


async def test_the_pages(taking: Web, machine: dict[str, str]) -> None:
    rows = [line(1), line(2, gross="<b>garbled</b>")]
    _, found, _ = await post(taking, machine, form(written_as("csv", rows), name="<i>.csv"))
    async with taking.client.get("/files") as response:
        text = await response.text()
    assert (response.status, "&lt;i&gt;.csv" in text, "<i>.csv" in text) == (200, True, False)
    assert 'type="file"' not in text  # whoever just looks hands in nothing
    async with taking.client.get(f"/files/{found['sha256']}") as response:
        text = await response.text()
    assert response.status == 200
    assert "&lt;b&gt;garbled&lt;/b&gt;" in text
    assert "<b>garbled" not in text
    async with taking.client.post("/files", data=form(b"x")) as response:
        assert response.status == 403
