"""Encoding, separator, header and line structure of a text file."""

from __future__ import annotations

import pytest

from models.guessing.text_format import UnreadableFileError, guess_text_format

LINES = "order;name;amount\n1;Größe;1,50\n2;Käthe;2,50\n"


def test_the_options_are_those_that_differ_from_the_defaults():
    assert guess_text_format(b"order,name,amount\n1,a,1.50\n").options == {}
    assert guess_text_format(LINES.encode("cp1252")).options == {
        "sep": ";",
        "encoding": "windows-1252",
    }


# (encoding of Python, the name that Spark's reader takes)
ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-8-sig", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "windows-1252"),
    ("cp850", "IBM850"),
    ("mac_roman", "x-MacRoman"),
]


@pytest.mark.parametrize(("codec", "name"), ENCODINGS)
def test_an_encoding_is_recognised_by_its_letters(codec, name):
    guessed = guess_text_format(LINES.encode(codec))
    assert (guessed.encoding, guessed.separator) == (name, ";")
    is_guessed = codec in ("cp1252", "cp850", "mac_roman")
    question = f"The encoding is guessed as {name}: is 'Größe' spelled correctly?"
    assert guessed.doubts == ((question,) if is_guessed else ())


def test_a_sample_may_end_within_a_character():
    whole = "a;b\n1;ö".encode()
    assert guess_text_format(whole[:-1]).encoding == "UTF-8"


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_gives_the_most_even_rows(separator):
    # Each other separator occurs in one value.
    others = [s for s in ";,\t|" if s != separator]
    rows = [["order", "name", "amount", "note"], *[["1", "a", "2", other] for other in others]]
    text = "\n".join(separator.join(row) for row in rows)
    assert guess_text_format(text.encode()).separator == separator


def test_quoted_separators_do_not_count():
    assert guess_text_format(b'a,b\n"1;2;3;4",2\n"1;2;3;4",2\n').separator == ","


def test_a_first_line_with_values_is_no_header():
    guessed = guess_text_format(b"1,2024-01-02,3.50\n2,2024-01-03,4.50\n")
    assert guessed.options == {"header": "false"}
    assert guessed.doubts == (
        "The first line holds values, not names. The columns are named _c0, _c1 and so on.",
    )


def test_a_value_of_several_lines_needs_an_option():
    assert guess_text_format(b'a,b\n1,"x\ny"\n2,"x\ny"\n').options == {"multiLine": "true"}
    assert guess_text_format(b'a,b\n1,"x"\n').options == {}


# (content, the rest of the sentence)
REFUSED = [
    (b" \n", "is empty. A file must at least name its columns"),
    (b"a\x00b", "is not a text file. Export the orders as CSV, Excel (.xlsx) or Parquet"),
    (
        b"abc\n",
        "has one column only: its first line is 'abc'. An export of orders has a customer, a time "
        "and an amount, separated by ; , | or a tab",
    ),
    (
        b"List\nof orders\na;b;c\n1;2;3\n4;5;6\n7;8;9\n",
        "begins with 2 lines above the table, such as 'List'. Remove everything above the names of "
        "the columns",
    ),
]


@pytest.mark.parametrize(("content", "sentence"), REFUSED)
def test_what_is_no_table_is_refused(content, sentence):
    with pytest.raises(UnreadableFileError) as caught:
        guess_text_format(content)
    assert str(caught.value) == sentence
