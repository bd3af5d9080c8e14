"""Fingerprints of random messages: equal for what differs in particulars, and without secrets."""

from __future__ import annotations

import string
import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.causes import Cause, Subject, cause_of_text, classify, in_general
from payments.observability.masking import Masker

SECRET = "whsec_0123456789abcdefghij"
MASK = Masker([SECRET])
SUBJECT = Subject(provider="stripe", event_type="charge.refunded")
WORDS = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=12), min_size=1, max_size=8)
LETTERS = string.ascii_letters + string.digits
PARTICULARS = st.one_of(
    st.integers(0, 10**12).map(str),
    st.uuids().map(str),
    st.uuids().map(lambda it: it.hex).filter(lambda it: any(c.isdigit() for c in it)),
    st.tuples(
        st.sampled_from(["pi", "cus", "evt", "ch"]), st.text(LETTERS, min_size=14, max_size=24)
    )
    .filter(lambda it: any(c.isdigit() for c in it[1]))
    .map("_".join),
    st.decimals(0, 10**6, places=2).map(str),
    st.sampled_from(["2026-01-31T03:04:05Z", "10.0.0.5:443", "0x7f3a9c00"]),
)


@given(WORDS, PARTICULARS, PARTICULARS)
def test_messages_that_differ_in_ids_and_numbers_are_one_cause(
    words: list[str], first: str, second: str
) -> None:
    before, after = words[: len(words) // 2], words[len(words) // 2 :]

    def cause(particular: str) -> Cause:
        return classify(ValueError(" ".join([*before, particular, *after])), SUBJECT, MASK)

    assert cause(first).fingerprint == cause(second).fingerprint


@given(WORDS, WORDS)
def test_messages_that_differ_in_words_are_two_causes(first: list[str], second: list[str]) -> None:
    texts = [" ".join(words) for words in (first, second)]
    causes = [classify(ValueError(text), SUBJECT, MASK) for text in texts]
    same = in_general(texts[0], MASK) == in_general(texts[1], MASK)
    assert (causes[0].fingerprint == causes[1].fingerprint) is same
    assert same is (texts[0] == texts[1])


@settings(max_examples=300)
@given(st.text(max_size=3000), st.sampled_from([SECRET, "jane.doe@example.com"]), st.text())
def test_any_text_gives_a_bounded_cause_without_secrets(
    before: str, secret: str, after: str
) -> None:
    text = f"{before} {secret} {after}"
    for cause in (
        classify(ValueError(text), SUBJECT, MASK),
        classify(KeyError(text), SUBJECT, MASK),
        classify(ConnectionError(text), SUBJECT, MASK),
        cause_of_text(text, SUBJECT, MASK),
        cause_of_text(f"KeyError: {text}", SUBJECT, MASK),
    ):
        shown = str(cause)
        assert secret not in shown
        assert len(shown) < 3000
        assert len(cause.fingerprint) == 64
        for column in (cause.error_type, cause.field, cause.frame, cause.dependency):
            assert column is None or len(column) <= 255
        assert "\x00" not in cause.says
        cause.says.encode()


@given(st.text(max_size=200))
def test_what_is_general_stays_as_it_is(text: str) -> None:
    general = in_general(text, MASK)
    assert in_general(general, MASK) == general


def test_the_examples_are_particular() -> None:
    assert in_general(str(uuid.uuid4()), MASK) == "#"
