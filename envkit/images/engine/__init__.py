"""The engine: where it is, what it answers, images that go to it and come from it."""
