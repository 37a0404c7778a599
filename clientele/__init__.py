"""clientele: the small command around the customer-quality warehouse."""

__version__ = "0.1.0"
