"""What goes into an image, and the folder that its build reads."""
