"""Pure functions over tables: who may do what, and how often."""
