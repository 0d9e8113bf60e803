"""What a cell's text means: numbers, days, flags, and how a whole column is written."""
