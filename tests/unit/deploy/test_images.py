"""Dockerfile and compose file: what can be told without Docker."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import typer
import yaml

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())


def targets():
    return re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE)


def test_each_service_is_built_from_a_target_that_exists():
    built = {s["build"]["target"] for s in COMPOSE["services"].values() if "build" in s}
    assert built == {"jobs", "service", "app"} and built <= set(targets())


def test_no_image_runs_as_root():
    for target in ("service", "app", "jobs"):
        part = DOCKERFILE.split(f" AS {target}\n")[1].split("\nFROM ")[0]
        assert "USER 10001" in part


def test_every_file_that_is_copied_exists_and_none_of_them_is_ignored():
    ignored = (ROOT / ".dockerignore").read_text().split()
    for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert name not in ignored
    assert {".git", ".env", ".venv", "*.key"} <= set(ignored)


def test_the_options_of_the_service_are_those_of_the_command():
    app = typer.Typer()
    app.command()(importlib.import_module("jobs.serve").command)
    known = {o for p in typer.main.get_command(app).params for o in p.opts}
    (words,) = re.findall(r'^CMD \[("--env", "prod", .*"--host".*)\]$', DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r'"(--[\w-]+)"', words)) <= known


def test_ports_are_published_on_loopback_alone_and_no_secret_has_a_value():
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        for name, value in service.get("environment", {}).items():
            assert value == f"${{{name}:-}}"


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
