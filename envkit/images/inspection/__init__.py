"""What images there are, what is in them, and what is wrong with it."""
