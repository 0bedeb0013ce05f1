"""The database behind `ports.Store`: SQLite for one process, PostgreSQL for several."""
