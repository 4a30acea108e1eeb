"""Commands for the person at the keyboard; no stage imports these."""
