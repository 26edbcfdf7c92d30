"""Texts of offer messages: a pool that Claude writes, form checks, a judge, and the assembly.

Claude only writes the warm sentences of a brief. Offer, customer and day are decided before, and
code alone adds greeting, name, offer, last day, code or link. Nothing about a customer is sent, and
the text that comes back is not trusted. This package does not use Spark.
"""
