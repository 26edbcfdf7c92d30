"""Speed beside the peers, in one run on one machine, with the results checked for equality."""
