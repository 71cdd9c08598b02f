"""One module (or folder) for each machine-learning library; the file's name is the import name."""
