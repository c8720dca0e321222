"""The signs: for each system the project began with, what its paper says must come out, tried at a small size."""
