"""bin/holdfast and bin/spark-submit pass on Spark's output, without three meaningless lines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

BIN = Path(__file__).resolve().parents[2] / "bin"
NOISE = """\
WARNING: Using incubator modules: jdk.incubator.vector
netlib-blas: JNI_OnLoad: dlopen(libblas.so.3) failed: libblas.so.3: cannot open shared object file: No such file or directory
[20:35:36] Task 0 got rank 0
[20:35:42] Task 11 got rank 3
"""
NEWS = """\
20:35:36 ERROR TaskSetManager: Task 0 in stage 3.0 failed 1 times; aborting job
WARNING: Using incubator modules: jdk.incubator.vector, jdk.incubator.other
[20:35:42] WARNING: Task 1 got rank 0 of a worker that was lost
M\udcfcller is no UTF-8
java.lang.OutOfMemoryError: Java heap space
"""


def test_only_three_lines_are_removed_from_stderr(tmp_path):
    folder = tmp_path / "a folder" / "bin"
    folder.mkdir(parents=True)
    for script in ("spark-submit", "holdfast", "quiet-stderr"):
        shutil.copy(BIN / script, folder)
    said = (NOISE + NEWS).encode("utf-8", "surrogateescape")
    (folder / "said").write_bytes(said)
    fake = folder / "with-env"
    # A fake of Spark: it prints to both streams and fails.
    said_at = f'"{folder}/said"'
    fake.write_text(f'#!/bin/bash\ncat {said_at} >&2\ncat {said_at}\necho "$@"\nexit 3\n')
    fake.chmod(0o755)

    for script in ("spark-submit", "holdfast"):
        done = subprocess.run([folder / script, "job", "--as-of", "x y"], capture_output=True)

        assert done.returncode == 3
        assert done.stderr == NEWS.encode("utf-8", "surrogateescape")
        assert done.stdout.startswith(said)
        assert done.stdout.endswith(b" job --as-of x y\n")
