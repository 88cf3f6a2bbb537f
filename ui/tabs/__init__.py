"""The tabs in page order: address name -> module with `LABEL`, `build` and `wire`.

A new tab is a new module and one line here.
"""

TABS: dict[str, str] = {
    "scene": "ui.scene.page",
    "corrections": "ui.corrections.page",
    "training": "ui.training.page",
    "models": "ui.models.page",
}
