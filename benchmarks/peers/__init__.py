"""Other engines given the same job. Most modules here run where the scanner is not installed, in .venv-bench."""
