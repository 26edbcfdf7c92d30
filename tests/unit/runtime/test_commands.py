"""`holdfast`: jobs are found in their folder, and wrong arguments never start Spark."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jobs
from runtime.commands import PROGRAM, command_line, job_summaries

ROOT = Path(__file__).resolve().parents[3]
NAMES = sorted(p.stem for p in (ROOT / "jobs").glob("*.py") if p.name != "__init__.py")


def ended(capsys, *arguments):
    """The exit code and both streams of `holdfast <arguments>`."""
    with pytest.raises(SystemExit) as caught:
        command_line(jobs)(list(arguments), prog_name=PROGRAM)
    printed = capsys.readouterr()
    return caught.value.code, printed.out, printed.err


def test_every_module_of_jobs_is_a_command_with_its_first_docstring_line(capsys, monkeypatch):
    for name in [f"jobs.{name}" for name in NAMES]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert [name for name, _ in job_summaries(jobs)] == NAMES
    code, out, _ = ended(capsys, "--help")
    assert code == 0
    assert re.search(r"\n  roll_back +Make the previous champion the champion again\.\n", out)
    assert [name for name in NAMES if f"\n  {name} " not in out] == []
    # They were read, not imported.
    assert [name for name in NAMES if f"jobs.{name}" in sys.modules] == []


def test_a_new_module_is_a_command_without_registration(tmp_path, capsys, monkeypatch):
    (tmp_path / "shop_jobs").mkdir()
    (tmp_path / "shop_jobs" / "__init__.py").touch()
    (tmp_path / "shop_jobs" / "_private.py").write_text('"""No command."""\n')
    (tmp_path / "shop_jobs" / "count_stock.py").write_text(
        '"""Count what is there.\n\nMore."""\n'
        "def command(item: str, twice: bool = False) -> None:\n"
        '    """Count one item."""\n'
        "    print(item, 2 if twice else 1)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import shop_jobs

    assert list(job_summaries(shop_jobs)) == [("count_stock", "Count what is there.")]
    for name in ("count_stock", "count-stock"):
        command_line(shop_jobs)([name, "nail", "--twice"], standalone_mode=False)
        assert capsys.readouterr().out == "nail 2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["roll_bak"], "No such command 'roll_bak'. Did you mean 'roll_back'?"),
        (["score-customers", "--asof", "x"], "No such option: --asof. Did you mean --as-of?"),
        (["ingest", "--env", "demo", "--replai", "x"], "No such option: --replai. Did you mean"),
        (["--hepl"], "No such option: --hepl. Did you mean --help?"),
        (["zzz"], "No such command 'zzz'."),
        (["run_pipeline"], "Missing option '--env'."),
        (["score_customers", "--dry-run"], "Missing option '--env'."),
    ],
)
def test_a_mistyped_argument_gets_a_suggestion(capsys, arguments, message):
    code, out, err = ended(capsys, *arguments)
    assert (code, out) == (2, "")
    assert f"Error: {message}" in err


def test_every_job_that_takes_an_environment_requires_it():
    group = command_line(jobs)
    for name in NAMES:
        _, job, _ = group.resolve_command(None, [name])
        options = {p.name: p for p in job.params}
        if "env" in options:
            assert options["env"].required, name


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("holdfast score_c", "score_customers"),
        ("holdfast ingest --kn", "--known-at"),
        ("holdfast ingest --env de", "demo"),
    ],
)
def test_the_shell_completes_jobs_options_and_environments(words, completed):
    variables = {
        "_HOLDFAST_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from jobs import main; main()"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [completed]


# --- before Spark --------------------------------------------------------------------------------

# Prints the exit code, and which slow packages were imported.
PROGRAM_TEXT = """
import json, sys
from jobs import main
sys.argv[0] = "holdfast"
try:
    main()
except SystemExit as end:
    code = end.code
slow = {"pyspark", "pandas", "numpy", "mlflow", "scipy", "py4j"} & set(sys.modules)
print(json.dumps([code, sorted(slow)]))
"""
IN_CONF = {
    "typo": "churn: {lead_day: 1}\n",
    "broken": "churn: {\n",
    "nofile": "sources: {o: {table: transactions, format: csv, path: /nowhere, mapping: {}}}\n",
}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--help", 0),
        ("score_customers --help", 0),
        ("score_customers --env nosuch", 2),
        ("score_customers --env typo", 2),
        ("score_customers --env broken", 2),
        ("score_customers --env nofile --as-of 01.01.2018", 2),
        ("build_features --env nofile --as-of 01.01.2018", 2),
        ("plan_retention --env nofile --strategy best", 2),
        ("plan_retention --env nofile --budget-share 20", 2),
        ("train_churn --env nofile --search smal", 2),
        ("approve_texts --env nofile --at noon", 2),
        ("approve_texts --env nofile aprove", 2),
        ("build_features --env nofile --engine duckbd", 2),
        ("init nofile.csv", 2),
        ("init /dev/null --env a/b", 2),
        ("check nosuch", 2),
        ("ingest --env nofile", 2),
        ("ingest --env nofile --replay orders", 2),
        ("ingest --env nofile --known-at noon", 2),
        ("run_pipeline --env nofile", 2),
    ],
)
def test_wrong_arguments_are_refused_before_spark_is_imported(tmp_path, arguments, code):
    for name, text in IN_CONF.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    where = ["--conf-dir", str(tmp_path)] if "--env" in arguments else []
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM_TEXT, *arguments.split(), *where],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [code, []], done.stderr
    assert len(list(tmp_path.iterdir())) == len(IN_CONF), "no lakehouse was made"
