"""How often customers will buy again, whether they still do, and what a purchase is worth.

"Buy till you die" models of Fader, Hardie and Lee, on numpy arrays alone. `rows` holds the data in
days, each model module a likelihood with its gradient and its predictions, `fitting` the one
optimiser, `choice` which model a table uses.
"""
