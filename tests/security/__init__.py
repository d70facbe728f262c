"""What must hold wherever the package runs: the API key shows nowhere."""
