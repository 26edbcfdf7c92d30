"""What jobs/decide_offers.py is made of: the search for prices, and the tables it writes."""
