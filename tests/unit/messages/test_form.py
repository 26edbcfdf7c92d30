"""Form checks: each check by hand, and the labelled texts."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import judge as bench
from benchmarks.judge import labelled
from messages.brief import LANGUAGES, THEMES
from messages.form import EXPLAINED, explained, faults

GOOD = "Thank you for being with us, we are glad to have you here."


@pytest.mark.parametrize(
    ("text", "language", "failed"),
    [
        (GOOD, "en", ()),
        ("", "en", ("empty",)),
        (None, "en", ("empty",)),
        ("   ", "en", ("empty",)),
        ("Thank you.", "en", ("length",)),
        (GOOD[:-1] + ", and so on and on" * 12 + ".", "en", ("length",)),
        ("We are glad. You are here. It is good for all of us.", "en", ("sentences",)),
        ("We are glad to have you with us in the shop", "en", ("sentences",)),
        # digits, signs, line breaks, other alphabets, markup, controls
        ("We are glad to have you with us for 3 years.", "en", ("characters",)),
        ("We are glad to have you with us, and 10 % too.", "en", ("characters",)),
        ("We are glad to have you with us,\nand that is that.", "en", ("characters",)),
        ("We are glad to h\u0430ve you with us in the shop.", "en", ("characters",)),  # Cyrillic a
        ("We are glad to \u200bhave you with us in the shop.", "en", ("characters",)),
        ("We are glad to \u202ehave you with us in the shop.", "en", ("characters",)),
        ("We are glad to have you with us in the ﬁne shop.", "en", ("characters",)),
        ("We are glad to have you with us, <b>always</b>.", "en", ("characters",)),
        ("We are glad to have you with us, {name}.", "en", ("characters",)),
        ("We are glad to have you \U0001f600 with us in the shop.", "en", ("characters",)),
        ("We are glad to have you with us ten\u2075.", "en", ("characters",)),
        # links and hidden words
        ("We are glad to have you, see shop.example for more.", "en", ("layout",)),
        ("We are glad to have you, see www shop com for more.", "en", ("layout",)),
        ("We are glad to have you, it is f r e e for you.", "en", ("layout",)),
        # numbers in words
        ("We are glad to give you twenty percent on all of it.", "en", ("number",)),
        ("We are glad to give you half of it for you.", "en", ("number",)),
        ("We are glad to have you, twenty-five times over.", "en", ("number",)),
        ("We are glad to have you, twen-ty times over.", "en", ("number",)),
        ("Wir freuen uns, dass Sie fünfzig Punkte haben.", "de", ("number",)),
        ("Wir freuen uns auf Sie, und das zehnfach und mehr.", "de", ("number",)),
        ("Wir freuen uns auf Sie und geben zwanzigprozentig nach.", "de", ("number",)),
        ("Nous sommes heureux de vous donner la moitié de tout.", "fr", ("number",)),
        ("Nous sommes heureux de vous donner vingt pour cent.", "fr", ("number",)),
        ("Nos alegra darle a usted el doble de todo lo que es.", "es", ("number",)),
        # fractions, ordinals, multiples, and words that are formed by rule
        ("We are glad to have you, enjoy a third off all of it.", "en", ("number",)),
        ("It is yours until the fifteenth, we are glad of it.", "en", ("number",)),
        ("We are glad to have you, fortyfive times over.", "en", ("number",)),
        ("Wir freuen uns auf Sie, alles ist ein Fünftel weniger.", "de", ("number",)),
        ("Wir freuen uns auf Sie bis zum Fünfzehnten bei uns.", "de", ("number",)),
        ("Wir freuen uns auf Sie, das Fünffache ist für Sie.", "de", ("number",)),
        ("Nous sommes là pour vous, un cinquième de moins.", "fr", ("number",)),
        ("Estamos aquí para usted, una décima parte menos.", "es", ("number",)),
        ("Estamos aquí para usted hasta el veintidós con gusto.", "es", ("number",)),
        ("Estamos aquí para usted, dieciséis veces con gusto.", "es", ("number",)),
        # a number of another language, and words that are numbers only there
        ("We are glad to have you, take zwanzig off all of it.", "en", ("number",)),
        ("Once you are here, we seize the day and dance with elf.", "en", ()),
        ("Nous sommes très heureux de vous compter parmi nous.", "fr", ()),
        # dates
        ("It is yours until the first, we are glad of it.", "en", ("date",)),
        ("Wir freuen uns auf Sie bis zum Ersten in unserem Laden.", "de", ("date",)),
        ("Nous sommes là pour vous jusqu’au premier avec plaisir.", "fr", ("date",)),
        ("Estamos aquí para usted hasta el primero con gusto.", "es", ("date",)),
        ("We are glad to have you with us until september.", "en", ("date",)),
        ("Wir freuen uns auf Sie am Montag in unserem Laden.", "de", ("date",)),
        ("Wir freuen uns auf Sie im Mai in unserem Laden.", "de", ("date",)),
        ("Nous sommes là pour vous jusqu’à lundi avec plaisir.", "fr", ("date",)),
        ("Estamos aquí para usted hasta el lunes con gusto.", "es", ("date",)),
        # greetings and names
        ("Hello, we are glad to have you with us in the shop.", "en", ("greeting",)),
        ("We are glad to have you with us, Zbigniew, in the shop.", "en", ("name",)),
        ("Anna, we are glad to have you with us in the shop.", "en", ("name",)),
        ("Wir freuen uns auf Sie, Anna, in unserem Laden.", "de", ("name",)),
        ("Wir freuen uns auf Sie, Herr Nachbar, bei uns.", "de", ("name",)),
        ("We are glad to have you with ACME in the shop.", "en", ("name",)),
        # words that only look like names or dates
        ("When I see you I know that it may be a good day for us.", "en", ()),
        ("Dimanche", "fr", ("length", "sentences", "date", "language")),
        # language
        ("Wir freuen uns, dass Sie bei uns sind.", "en", ("language",)),
        ("Wir freuen uns, dass Sie bei uns sind.", "de", ()),
        ("Gracias por estar con nosotros, es un placer.", "fr", ("language",)),
    ],
)
def test_each_check(text, language, failed):
    broken = faults(text, language)
    assert set(failed) <= set(broken), broken
    assert bool(failed) == bool(broken)
    # Each check can fail alone: no text above fails more than twice what it is meant to show.
    assert len(broken) <= max(2 * len(failed), 0)


def test_failed_checks_are_explained_to_the_writer_in_words():
    assert explained(("number", "name")) == f"{EXPLAINED['number']} {EXPLAINED['name']}"


def test_the_labelled_set_is_large_enough_and_split_in_two():
    hostile, good = labelled("hostile"), labelled("good")
    assert len(hostile) >= 300 and len(good) >= 150
    assert {r["language"] for r in hostile} == {r["language"] for r in good} == set(LANGUAGES)
    assert {r["theme"] for r in good} == set(THEMES)
    for rows in (hostile, good):
        assert len({r["text"] for r in rows}) == len(rows)
        halves = Counter(bench.half_of(r["text"]) for r in rows)
        # Half of n, within four standard deviations of n ** 0.5 / 2.
        assert abs(halves["measured"] - len(rows) / 2) < 2 * len(rows) ** 0.5
    kinds = Counter(r["kind"] for r in hostile)
    assert set(kinds) == {
        *("larger", "promise", "condition", "leaving", "watching", "threat", "insult"),
        *("discrimination", "other_person", "technical"),
    }
    assert min(kinds.values()) >= 20


def test_good_texts_of_the_measured_half_pass():
    rows = labelled("good", "measured")
    passed = sum(not faults(r["text"], r["language"]) for r in rows)
    assert passed / len(rows) >= 0.95


def test_numbers_dates_links_and_names_of_the_measured_half_are_refused():
    rows = [r for r in labelled("hostile", "measured") if r["kind"] == "technical"]
    assert len(rows) >= 10
    assert [r["text"] for r in rows if not faults(r["text"], r["language"])] == []


def test_the_measurement_of_the_judge_against_a_server_that_answers_by_the_label(
    claude, gateway, monkeypatch, capsys
):
    """The server passes good texts and refuses hostile ones, but for one of each."""
    from tests.unit.messages.fake_claude import plays, verdict, written

    hostile = [r for r in labelled("hostile", "tuning") if not faults(r["text"], r["language"])][:9]
    good = [r for r in labelled("good", "tuning") if not faults(r["text"], r["language"])][:9]
    language = {r["text"]: r["language"] for r in [*hostile, *good]}
    bad = {r["text"] for r in hostile[1:]} | {good[0]["text"]}

    def judge(data):
        return verdict(language=language[data["text"]], threat=data["text"] in bad)

    made = gateway(claude(plays(lambda data: written(), judge)))
    share, lines = bench.report("tuning", "hostile", bench.verdicts(made, hostile))
    assert (share, lines) == (
        1 / 9,
        ["tuning    hostile  9 texts: 1 passed, 8 refused; passed 11.1%"],
    )
    share, _ = bench.report("tuning", "good", bench.verdicts(made, good))
    assert share == 8 / 9


def test_without_a_key_the_judge_is_not_measured(monkeypatch, capsys):
    monkeypatch.delenv(bench.KEY, raising=False)
    monkeypatch.setattr("sys.argv", ["benchmarks.judge"])
    assert bench.main() == 2
    assert "ANTHROPIC_API_KEY is not set" in capsys.readouterr().out
