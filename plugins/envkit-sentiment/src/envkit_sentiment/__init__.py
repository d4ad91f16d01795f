"""Sentiment analysis for envkit."""
