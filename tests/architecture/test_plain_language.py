"""Prose uses the field's terms: words and variable names that a reader cannot look up are refused."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.packages import tree_of

ROOT = Path(__file__).parents[2]
# word: what to write instead
WORDS = {
    r"mend(s|ed|ing)?": "fix",
    "anew": "again",
    r"foretell(s|ing)?": "predict",
    "foretold": "predicted",
    "whom": "who; name the customers",
    r"of (its|their) like": "of the same kind",
    "parted by": "separated by",
    "for ever": "permanently",
}
REFUSED = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)
# A variable is named after what it holds.
NAMES = {"found", "one", "rest", "every", "there"}
PROSE = {".py", ".md", ".yaml", ".yml", ".toml", ".cfg", ".j2", ".css", ".txt", ""}
# Texts that are not the project's prose. path: reason
LEFT_OUT = {
    "tests/architecture/test_plain_language.py": "names the refused words",
    "LICENSE": "the licence",
    "THIRD_PARTY_NOTICES": "licences of others",
}


def tracked():
    """Files of the checkout, without locks."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        path = ROOT / name
        is_prose = path.suffix in PROSE and not name.startswith("requirements")
        if is_prose and name not in LEFT_OUT and path.is_file():
            yield path


def refused_words(text):
    return [
        f"line {number}: {match.group()}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in REFUSED.finditer(line)
    ]


def refused_names(tree):
    """Variables and arguments whose name says nothing."""
    for node in ast.walk(tree):
        is_stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        name = node.id if is_stored else node.arg if isinstance(node, ast.arg) else None
        if name in NAMES:
            yield f"line {node.lineno}: variable {name}"


def test_prose_uses_plain_words():
    refused = {
        path.relative_to(ROOT).as_posix(): words
        for path in tracked()
        if (words := refused_words(path.read_text(encoding="utf-8")))
    }
    assert refused == {}


def test_variables_are_named_after_what_they_hold():
    refused = {
        path.relative_to(ROOT).as_posix(): names
        for path in tracked()
        if path.suffix == ".py" and (names := sorted(refused_names(tree_of(path))))
    }
    assert refused == {}


@pytest.mark.parametrize(
    "text", ["Mend it.", "made anew", "Foretold", "those whom", "of its like", "kept for ever"]
)
def test_refused_words_are_recognised(text):
    assert len(refused_words(f"first line\n{text}")) == 1


def test_refused_names_are_recognised():
    tree = ast.parse("found = 1\nfor one in []: pass\ndef f(rest, *, there=1): pass\nx.every = 2\n")
    assert sorted(name.rpartition(" ")[2] for name in refused_names(tree)) == [
        *("found", "one", "rest", "there")
    ]
