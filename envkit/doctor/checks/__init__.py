"""The checks that envkit brings: one module a subject, each with ``checks(surroundings)``. Pure."""
