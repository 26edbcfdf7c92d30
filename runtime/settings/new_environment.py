"""The arguments of `init`, checked before pandas is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtime.errors import UsageError
from runtime.settings.environment import check_name, conf_dir, use_conf_dir


@dataclass(frozen=True)
class InitOptions:
    """export: the file or folder to read. target: the file to write, which does not exist."""

    export: Path
    target: Path


def init_options(path: str, env: str, own_conf_dir: str | None = None) -> InitOptions:
    """UsageError if the export does not exist, or conf/<env>.yaml exists or has no valid name."""
    use_conf_dir(own_conf_dir)
    check_name(env)
    target = conf_dir() / f"{env}.yaml"
    if target.exists():
        raise UsageError(
            f"--env {env}: {target.name} exists in {target.parent.name}/ and is not overwritten. "
            f"Choose another name, or move the file."
        )
    export = Path(path).expanduser()
    if not export.exists():
        raise UsageError(f"{path}: no such file or folder. Name the export to read.")
    return InitOptions(export, target)
