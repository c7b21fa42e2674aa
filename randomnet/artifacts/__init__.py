"""What earlier runs left in results folders, checked as input is."""
