"""One English sentence about a scene's hazard."""

from __future__ import annotations

from examples.world.plan import AgentPlan


def _noun(agent: AgentPlan) -> str:
    article = "an" if agent.colour[0] in "aeiou" else "a"
    names = {
        "pedestrian": f"A pedestrian in {article} {agent.colour} coat",
        "cyclist": f"A cyclist in {article} {agent.colour} top",
        "debris": "An object", "animal": "An animal", "cone": "A cone",
        "barrier": "A roadworks barrier",
    }  # fmt: skip
    return names.get(agent.kind, f"{article.capitalize()} {agent.colour} {agent.kind}")


def _from(agent: AgentPlan) -> str:
    """Side that the agent comes from, judged by where it goes."""
    if agent.motion in ("left", "right"):
        return "right" if agent.motion == "left" else "left"
    return "right" if agent.x_m > 0 else "left"


def explain(agent: AgentPlan) -> str:
    """Rationale such as "A pedestrian in a black coat is stepping into our lane from the right."""
    noun, side = _noun(agent), _from(agent)
    near = "just ahead" if agent.z_m < 10 else "ahead" if agent.z_m < 22 else "some way ahead"
    sentences = {
        "crossing_pedestrian": f"{noun} is crossing our lane from the {side} {near}.",
        "kerb_pedestrian": f"{noun} is stepping into our lane from the {side} {near}.",
        "walking_pedestrian": f"{noun} is walking in our lane {near}.",
        "lead_braking": f"{noun} {near} of us is braking.",
        "cut_in": f"{noun} is cutting into our lane from the {side} {near}.",
        "crossing_vehicle": f"{noun} is crossing our path from the {side} {near}.",
        "pulling_out": f"{noun} is pulling out into our lane from the {side} {near}.",
        "oncoming": f"{noun} is coming towards us in our lane {near}.",
        "turning_across": f"{noun} coming towards us is turning across our path {near}.",
        "cyclist": f"{noun} is riding in our lane {near}.",
        "crossing_rider": f"{noun} is crossing our path from the {side} {near}.",
        "debris": f"{noun} is lying in our lane {near}.",
        "animal": f"{noun} is crossing the road from the {side} {near}.",
        "stopped_vehicle": f"{noun} has stopped in our lane {near}.",
        "roadworks": f"{noun} closes our lane for roadworks {near}.",
    }
    return sentences[agent.role]
