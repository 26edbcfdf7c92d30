"""Serve the tables of an environment over JDBC and ODBC, by the Thrift server of pyspark.

bin/with-env python docs/examples/thrift_server.py ENV [--port 10000]

Tables, `_latest` views and scoring functions have their usual names: gold.customer_scores_latest.
A view is made when the server starts: start it again after a new table was written.
The server has no log-in. It listens on this machine only; --host opens it to the network.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence

from runtime import settings
from runtime.lakehouse.views import open_lakehouse


def main(arguments: Sequence[str] | None = None) -> None:
    """Start the server, print its address and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve the tables of an environment over JDBC.")
    parser.add_argument("env", help="name of a file in conf/, without .yaml")
    parser.add_argument("--conf-dir", help="take the YAML files from this folder")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=10000)
    options = parser.parse_args(arguments)
    settings.use_conf_dir(options.conf_dir)
    spark = open_lakehouse(options.env).spark
    spark.conf.set("hive.server2.thrift.bind.host", options.host)
    spark.conf.set("hive.server2.thrift.port", str(options.port))
    server = spark._jvm.org.apache.spark.sql.hive.thriftserver.HiveThriftServer2
    server.startWithSparkSession(spark._jsparkSession, False)
    print(f"jdbc:hive2://{options.host}:{options.port} serves {options.env}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
