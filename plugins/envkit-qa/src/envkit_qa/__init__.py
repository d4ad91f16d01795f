"""Extractive question answering for envkit."""
