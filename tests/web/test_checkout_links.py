"""Links to checkout pages: made by us only, for whatever ids there are."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app.checkout_links import CheckoutLinks, load_checkout_links

OLD, NEW = "o" * 40, "n" * 40
IDS = [("m-1", "pay-1"), ("m.1", "pay.1"), ("händler", "2026/11 ü%"), ("m-1.test", "p" * 200)]


def links(*secrets: str) -> CheckoutLinks:
    return CheckoutLinks("https://pay.example", lambda: secrets)


@pytest.mark.parametrize("ids", IDS)
def test_a_token_names_its_payment_and_fits_a_url(ids: tuple[str, str]) -> None:
    token = links(NEW).token(*ids)
    assert links(NEW).read(token) == ids
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()


def test_a_rotated_secret_still_verifies_what_it_made() -> None:
    token = links(OLD).token("m-1", "pay-1")
    assert links(NEW, OLD).read(token) == ("m-1", "pay-1")
    assert links(NEW).read(token) is None


def test_nobody_else_makes_one() -> None:
    token = links(NEW).token("m-1", "pay-1")
    merchant, payment, mac = token.split(".")
    other = base64.urlsafe_b64encode(b"pay-2").decode().rstrip("=")
    swapped = [f"{merchant}.{other}.{mac}", f"{merchant}{payment}.{mac}", f"{merchant}.{payment}."]
    for forged in (*swapped, "", ".", "..", token[:-1], f"{token}A", f".{token}", "ü", "x" * 5_000):
        assert links(NEW).read(forged) is None, forged


def test_web_and_worker_agree_by_the_same_file(tmp_path: Path) -> None:
    web, worker = (load_checkout_links("https://pay.example", {}, tmp_path) for _ in range(2))
    assert (
        web.return_url("m-1", "pay-1")
        == f"https://pay.example/checkout/{worker.token('m-1', 'pay-1')}/return"
    )
