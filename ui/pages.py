"""The pages, in their order: name -> module with `LABEL`, `build` and `wire`. A new page is a new
folder and one line here. The first one lies at `/`, the others at `/NAME`.
"""

PAGES: dict[str, str] = {
    "scene": "ui.scene.page",
    "failures": "ui.failures.page",
    "corrections": "ui.corrections.page",
    "training": "ui.training.page",
    "models": "ui.models.page",
}
