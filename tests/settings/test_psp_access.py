"""How PSPs are reached: variables by name, errors that say which one, keys that are never repeated."""

import pytest

from app.access import Access, psp_access
from app.errors import ConfigurationError

KEY = {"TALLYSTICK_PSP_SANDBOX_API_KEY": "sk_s3cret"}


def test_each_psp_has_its_own() -> None:
    found = psp_access(
        {
            **KEY,
            "TALLYSTICK_PSP_SANDBOX_API_URL": "http://127.0.0.1:4000/",
            "TALLYSTICK_PSP_SANDBOX_TIMEOUT_SECONDS": "2.5",
            "TALLYSTICK_PSP_BIG_BANK_API_KEY": "other",
            "TALLYSTICK_PSP_BIG_BANK_ACCOUNT": "Shop_EU",
            "TALLYSTICK_PSP_SANDBOX_WEBHOOK_SECRETS": "whsec_AAAA",
            "TALLYSTICK_PSP_STRIPE_API_KEY": " ",
        }
    )
    assert found == {
        "sandbox": Access("sk_s3cret", "http://127.0.0.1:4000", None, 2.5),
        "big_bank": Access("other", None, "Shop_EU", 10.0),
    }


def test_a_key_is_not_shown() -> None:
    assert "s3cret" not in repr(psp_access(KEY))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TALLYSTICK_PSP_SANDBOX_API_URL", "127.0.0.1:4000"),
        ("TALLYSTICK_PSP_SANDBOX_API_URL", "http://host/?x=1"),
        ("TALLYSTICK_PSP_SANDBOX_TIMEOUT_SECONDS", "0"),
        ("TALLYSTICK_PSP_SANDBOX_TIMEOUT_SECONDS", "ten"),
        ("TALLYSTICK_PSP_SANDBOX_API_KEY", "sk_s3cret two"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        psp_access({**KEY, name: value})
    assert "s3cret" not in str(caught.value)


def test_an_address_without_a_key_says_so() -> None:
    with pytest.raises(ConfigurationError, match="TALLYSTICK_PSP_ADYEN_API_KEY is not set"):
        psp_access({"TALLYSTICK_PSP_ADYEN_API_URL": "https://host"})
