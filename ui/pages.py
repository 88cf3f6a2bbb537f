"""The pages in the order of their tabs: address name -> module with `LABEL`, `build` and `wire`.

A new page is a new folder and one line here.
"""

TABS: dict[str, str] = {
    "scene": "ui.scene.page",
    "corrections": "ui.corrections.page",
    "training": "ui.training.page",
    "models": "ui.models.page",
}
