"""Which next increment of investment pays, how sure that is, and when to stop (chapter 05)."""
