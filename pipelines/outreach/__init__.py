"""How contacts reach customers: sinks, and delivery through crashes. No Spark here."""
