"""What commands say when the scanner that they ask seems not to run."""

HOW_TO_START = "Is it running? `make up` starts it."
