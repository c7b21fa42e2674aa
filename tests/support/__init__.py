"""What tests of several rooms share. Nothing is imported from a test module."""
