"""Messages and contacts of customers: writing, triggering and delivering them."""
