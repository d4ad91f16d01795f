"""The pages of docs/reference, made from the code: one module a page, and what they share."""
