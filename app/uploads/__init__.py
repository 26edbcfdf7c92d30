"""Files that people upload: their folder, their limits, and the commands that read them."""
