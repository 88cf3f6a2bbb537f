"""Scripts that make the embedded model, its adapters and the sample images from the world."""
