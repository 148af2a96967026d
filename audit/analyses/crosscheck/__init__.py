"""Second and third opinion: the same rates from fairlearn and from AIF360."""
