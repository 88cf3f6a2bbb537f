// Every visible text of the page whose contrast with what lies under it is below 4.5 : 1.
() => {
  const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const over = (top, under) => {
    const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a));
  };
  const back = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement)
      layers.unshift(parse(getComputedStyle(n).backgroundColor));
    return layers.reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walk = document.createTreeWalker(document.querySelector('.gradio-container'), NodeFilter.SHOW_TEXT);
  const bad = [];
  let seen = 0;
  while (walk.nextNode()) {
    const text = walk.currentNode, node = text.parentElement;
    if (!text.data.trim() || node.closest('svg, style, script, :disabled, .hidden, .hide, footer')) continue;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    seen += 1;
    const under = back(node), ink = over(parse(getComputedStyle(node).color), under);
    const [hi, lo] = [light(ink), light(under)].sort((a, b) => b - a);
    const ratio = (hi + 0.05) / (lo + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} "${text.data.trim().slice(0, 40)}" ${node.className}`);
  }
  return { bad, seen };
}
