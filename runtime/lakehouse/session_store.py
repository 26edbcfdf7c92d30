"""Whether a Spark session can use the object store of a lakehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from runtime.file_systems import store_error

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from runtime.files import Location


def check_session(spark: SparkSession, root: Location) -> None:
    """StoreError if Spark has no file system for a URI, or the store refuses it.

    Spark may have other credentials than Python. A folder is not checked.
    """
    if not root.is_remote:
        return
    try:
        # Spark looks for the file while it makes the plan. It does not exist, which is right.
        _ = spark.read.format("binaryFile").load(str(root / "no-such-file")).schema
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise store_error(str(root), str(error)) from None
    except (PySparkException, Py4JJavaError) as error:
        raise store_error(str(root), str(error)) from None
