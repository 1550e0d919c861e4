"""Looking at a draft before it is frozen: pure code that computes what stands against it."""
