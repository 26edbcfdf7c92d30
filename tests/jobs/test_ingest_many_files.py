"""Many small files with equal columns are read together: Spark runs no job for each of them."""

from __future__ import annotations

from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

FILES = 20
LINE = "c{0},o{0},p1,2018-01-01 10:00:00,1,10.00,0.10"


def last_job(spark):
    """The number of the last Spark job so far. Spark counts jobs from 0."""
    spark.range(1).count()
    return max(spark.sparkContext.statusTracker().getJobIdsForGroup(None))


def jobs_of_a_dry_run(company, spark):
    before = last_job(spark)
    company.ingest(is_dry=True)
    return last_job(spark) - before


def test_the_number_of_spark_jobs_does_not_grow_with_the_number_of_files(company, spark):
    company.source("one", TRANSACTIONS)
    company.file("one/all.csv", HEADER, *map(LINE.format, range(FILES)))
    of_one = jobs_of_a_dry_run(company, spark)
    del company.sources["one"]
    company.source("many", TRANSACTIONS)
    for number in range(FILES):
        company.file(f"many/{number:02}.csv", HEADER, LINE.format(number))
    of_many = jobs_of_a_dry_run(company, spark)
    assert company.said.lines[1] == (
        "many: 20 files, 20 rows in = 20 kept + 0 quarantined + 0 exact duplicates"
    )
    # A job per file would be 19 more. Adaptive execution may run a few more or fewer.
    assert of_many - of_one < 5
