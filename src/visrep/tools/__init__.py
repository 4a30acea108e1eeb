"""Commands for users; no stage imports these."""
