"""Ids and timestamps: their text order is the order of time."""

import re
import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from branchwork.domain.identity import short_id, timestamp, uuid7

MILLISECONDS = st.integers(min_value=0, max_value=(1 << 48) - 1)
RANDOM = st.binary(min_size=10, max_size=10)
# To the year 9999, behind which there is no four-digit year.
STORED_MOMENTS = st.integers(min_value=0, max_value=253_402_300_799_999)


@given(MILLISECONDS, RANDOM)
def test_an_id_is_a_version_7_uuid_that_holds_its_moment(now: int, random: bytes) -> None:
    made = uuid.UUID(uuid7(now, random))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == now
    assert str(made) == uuid7(now, random)


@given(MILLISECONDS, MILLISECONDS, RANDOM, RANDOM)
def test_the_order_of_ids_is_the_order_of_time(a: int, b: int, one: bytes, other: bytes) -> None:
    if a < b:
        assert uuid7(a, one) < uuid7(b, other)
    elif a > b:
        assert uuid7(a, one) > uuid7(b, other)


@given(MILLISECONDS, RANDOM, RANDOM)
def test_ids_of_one_moment_differ_in_their_random_part(now: int, one: bytes, other: bytes) -> None:
    made = uuid7(now, one), uuid7(now, other)
    # Six bits of the ten bytes give way to version and variant.
    masked = [int.from_bytes(r, "big") & ~(0xF << 76) & ~(0x3 << 62) for r in (one, other)]
    assert (made[0] == made[1]) is (masked[0] == masked[1])


@given(MILLISECONDS, RANDOM, st.integers(min_value=1, max_value=12))
def test_a_short_id_is_taken_from_the_random_part(now: int, random: bytes, digits: int) -> None:
    short = short_id(uuid7(now, random), digits)
    assert short == random[-6:].hex()[-digits:]


@given(STORED_MOMENTS, STORED_MOMENTS)
def test_the_order_of_timestamps_is_the_order_of_time(a: int, b: int) -> None:
    assert (a < b) is (timestamp(a) < timestamp(b))


@given(STORED_MOMENTS)
def test_a_timestamp_has_one_form_and_loses_nothing(now: int) -> None:
    text = timestamp(now)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    read = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    since = read - datetime(1970, 1, 1, tzinfo=UTC)
    assert since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000 == now


def test_a_known_timestamp() -> None:
    assert timestamp(1_795_423_493_239) == "2026-11-23T08:44:53.239Z"
