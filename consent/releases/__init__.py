"""Old releases: what a table of signed papers says, line by line, and what stands against it.

Pure. Nothing is guessed that would decide what somebody allowed: a date that can be read in two
ways, a word that nobody explained and a line without a paper wait for a person.
"""
