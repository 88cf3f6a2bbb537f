"""Scripts that make the embedded model, its adapters and the sample pictures from the world."""
