"""What a subscription promises: read, said back, written down, and tried on the past."""
