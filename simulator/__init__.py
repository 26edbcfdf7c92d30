"""A simulated company: the customers' reasons, lifetimes and reactions to offers are known.

Each random number is a hash of the seed, the customer and a name. So the same seed and size give
the same tables for all partitionings. The package uses neither Spark nor files nor clocks:
jobs/simulate.py maps its functions over ranges of customers.

Customers are content or discontented, and leave only while discontented. A suitable offer can make
a discontented customer content (a save). An unwanted offer can make a content customer discontented
(a harm). Some offers cause a purchase at once (a redemption). The three probabilities depend on the
customer's hidden traits, so the true effect of each offer on each customer can be computed; see
simulator/effects.py.
"""
