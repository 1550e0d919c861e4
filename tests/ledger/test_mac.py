import hmac
from hashlib import sha256

import pytest

from ledger.mac import mac, macs

KEYS = [sha256(b"%d" % size).digest() * 5 for size in range(2)]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 63, 64, 65, 128, 160])
@pytest.mark.parametrize("message", [b"", b"m", b"message" * 40])
def test_it_is_the_hmac_of_the_library(size: int, message: bytes) -> None:
    for key in (key[:size] for key in KEYS):
        assert mac(key, message) == hmac.digest(key, message, "sha256")
        assert macs(key, b"")(message) == mac(key, message)


def test_a_prefix_stands_before_each_message() -> None:
    key = KEYS[0][:32]
    of = macs(key, b"name\0")
    assert [of(b"a"), of(b"b"), of(b"a")] == [
        mac(key, b"name\0" + one) for one in (b"a", b"b", b"a")
    ]


def test_it_gives_the_fourth_test_case_of_rfc_4231() -> None:
    key = bytes(range(1, 26))
    expected = "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    assert mac(key, b"\xcd" * 50).hex() == expected
