"""How long customers stay: fits that need sums of the rows only, and curves for each customer.

`rows` says what a row is and adds partial sums, in one process or in Spark (`distributed`);
`survey` is the first look; `kaplan_meier`, `cox`, `weibull_aft` and `discrete_hazard` are the
models; `curves` predicts, `evaluation` judges. Time is whole days everywhere.
"""
