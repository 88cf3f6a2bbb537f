"""What the page's events do, as plain functions. Imports no gradio."""
