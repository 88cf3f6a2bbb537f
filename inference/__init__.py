"""Models, media and tasks: from a picture to a Prediction. Knows no gradio, plotly or database."""
