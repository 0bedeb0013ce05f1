"""What the service costs, measured on real parts and held against a floor that is measured in the same run."""
