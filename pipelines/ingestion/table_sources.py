"""Sources that are tables: read whole each time, so that their key tells which rows are new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.ingestion.source_files import MALFORMED, PATH, Part, SourceFile, batch_id, named

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from runtime.settings.sources import SourceSettings


def jdbc_part(spark: SparkSession, name: str, source: SourceSettings) -> Part:
    """A whole read of a query. Its batch is its content, so that an unchanged table is known."""
    from pyspark.sql import functions as F

    frame = spark.read.format("jdbc").options(**source.options).load()
    title = source.options.get("dbtable", "query")
    frame = named(name, title, frame).withColumn(MALFORMED, F.lit(None).cast("string"))
    # Read once: the table may change between the hash and the rows.
    frame = frame.withColumn(PATH, F.lit(title)).persist()
    content = F.sum(F.xxhash64(*[F.col(f"`{c}`") for c in frame.columns]).cast("decimal(38,0)"))
    found = frame.agg(F.count("*").alias("rows"), content.alias("content")).collect()[0]  # one row
    identity = batch_id(name, f"{title}\n{found['content']}", found["rows"], 0)
    return Part((SourceFile(identity, title, title, found["rows"], 0),), frame)


def delta_part(spark: SparkSession, name: str, source: SourceSettings) -> Part:
    """The newest version of a table, whole."""
    from delta.tables import DeltaTable
    from pyspark.sql import functions as F

    path = source.path or ""
    is_folder = DeltaTable.isDeltaTable(spark, path)
    table = DeltaTable.forPath(spark, path) if is_folder else DeltaTable.forName(spark, path)
    version = table.history(1).select("version").collect()[0][0]  # one row
    reader = spark.read.options(**source.options).option("versionAsOf", version)
    frame = reader.format("delta").load(path) if is_folder else reader.table(path)
    title = f"{path.rstrip('/').rpartition('/')[2]}@v{version}"
    frame = named(name, title, frame).withColumn(MALFORMED, F.lit(None).cast("string"))
    file = SourceFile(batch_id(name, title, version, 0), title, title, version, 0)
    return Part((file,), frame.withColumn(PATH, F.lit(title)))
