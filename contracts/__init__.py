"""Table contracts. Each table is declared here once.

Readers, writers, tests and the data dictionary derive from the contracts. `contracts.catalog` lists
all tables; `contracts.table` defines how a table is declared.
"""
