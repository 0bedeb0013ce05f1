"""The audit log: its entries, their archive, and its verification."""
