"""Models, media and tasks: from an image to a Prediction. Knows no gradio, plotly or database."""
