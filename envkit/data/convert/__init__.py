"""Write data as another format that the same readers read."""
