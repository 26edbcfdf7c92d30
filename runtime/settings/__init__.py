"""Settings of an environment: conf/, checked before a job starts."""

from runtime.settings.conf_folder import (
    RESERVED,
    check_name,
    conf_dir,
    environments,
    package_conf,
    use_conf_dir,
)
from runtime.settings.environment import Settings, load

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
