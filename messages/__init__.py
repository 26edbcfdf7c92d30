"""Offer messages: brief, model call, guard, and a template as fallback.

Claude only writes the text. Offer, customer and day are decided before. Only a Brief leaves the
company, and the text that comes back is not trusted. This package does not use Spark.
"""
