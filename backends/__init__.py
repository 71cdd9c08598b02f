"""Where records and artifacts live: one module for each kind of store."""
