"""Name known troubles in the words that programs end with, and what mends them."""
