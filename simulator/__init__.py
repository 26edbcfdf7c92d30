"""A company that never was: customers whose reasons, lifetimes and reactions to offers are known.

Every number is a hash of the seed, the customer and a name, so that the same seed and size give the
same tables, whatever the partitions and whoever computes which customer. Nothing here knows Spark,
files or clocks: jobs/simulate.py maps these functions over ranges of customers.

Customers move between content and discontented, and leave while discontented. An offer that suits a
discontented customer makes them content (a save); an unwanted one can make a content customer
discontented (a harm); some offers bring a purchase at once (a redemption). Each of the three
probabilities depends on the customer's hidden traits, so the true effect of every offer on every
customer can be computed: simulator/effects.py.
"""
