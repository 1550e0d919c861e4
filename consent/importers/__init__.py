"""Where data sets come from: one outside form each."""
