"""The tabs in page order: address name -> module with `LABEL`, `build` and `wire`.

A new tab is a new module and one line here.
"""

TABS: dict[str, str] = {
    "scene": "ui.tabs.scene",
    "corrections": "ui.tabs.corrections",
    "training": "ui.tabs.training",
    "models": "ui.tabs.models",
}
