"""What customers want, why they stay, what it costs to fix (chapter 04)."""
