"""The page. The only folder that imports gradio or plotly; knows nothing of torch."""
