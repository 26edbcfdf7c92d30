"""What every table holds: declared here once; readers, writers, tests and the dictionary follow.

`contracts.catalog` lists them all; `contracts.table` says how one is written down.
"""
