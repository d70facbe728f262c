"""What the provider costs, measured beside its peers: ours and theirs in one run, on one machine."""
