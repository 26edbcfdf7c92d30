"""Events that arrive as a stream: to silver, the live tables and the outbox."""
