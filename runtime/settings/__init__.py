"""Settings of an environment: conf/, checked before a job starts."""

from runtime.settings.environment import (
    RESERVED,
    Settings,
    check_name,
    conf_dir,
    environments,
    load,
    package_conf,
    use_conf_dir,
)

__all__ = [
    "RESERVED",
    "Settings",
    "check_name",
    "conf_dir",
    "environments",
    "load",
    "package_conf",
    "use_conf_dir",
]
