"""Expected purchases, P(alive) and the value of a purchase: "buy till you die" (BTYD) models.

The models of Fader, Hardie and Lee, on numpy arrays only. `rows` holds the data in days. Each model
module has a likelihood with its gradient, and the predictions. `fitting` is the only optimiser.
`choice` selects the model that a table uses.
"""
