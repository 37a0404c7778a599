"""Raw files into the landing zone: checked against the contract, whole or not at all."""
