"""OUTPUT: audits turned into text, one renderer a file. No room here prints, reads an index or knows the time."""
