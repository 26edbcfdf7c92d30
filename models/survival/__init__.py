"""Survival models: how long customers stay, with a survival curve for each customer.

Fits need only sums over the rows. `rows` defines a row and adds partial sums in one process;
`distributed` does the same in Spark. `survey` checks and summarises the rows. `kaplan_meier`,
`cox`, `weibull_aft` and `discrete_hazard` are the models. `curves` predicts and `evaluation`
measures the accuracy. All times are whole days.
"""
