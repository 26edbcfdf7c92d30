"""DataFrame in, DataFrame out: no session, no reads, no writes, no clock."""
