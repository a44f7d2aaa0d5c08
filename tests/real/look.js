// Looks at the page it stands in, and leaves what it found as JSON at the end of the document.
(() => {
  for (const details of document.querySelectorAll("details")) details.open = true;

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // The browser itself says what any of its notations of a colour comes to over another.
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return Array.from(canvas.getImageData(0, 0, 1, 1).data).slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const grounds = (element) => {
    const colours = [];
    for (let at = element; at; at = at.parentElement) colours.unshift(getComputedStyle(at).backgroundColor);
    return ["white", ...colours];
  };
  const contrast = (element) => {
    const ground = grounds(element);
    const [a, b] = [luminance(over(ground)), luminance(over([...ground, getComputedStyle(element).color]))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };

  const problems = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || seen.has(element) || element.closest("script, style")) continue;
    seen.add(element);
    // Thousands of cells look alike.
    if (seen.size > 3000) break;
    const ratio = contrast(element);
    if (ratio < 4.5) problems.push(`${ratio.toFixed(2)} to 1: ${element.tagName} ${text.slice(0, 60)}`);
  }

  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    problems.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
  }

  const elements = {};
  for (const element of document.body.querySelectorAll("*")) {
    const name = element.tagName.toLowerCase();
    elements[name] = (elements[name] ?? 0) + 1;
  }
  const [r, g, b] = over(grounds(document.body));
  const found = { problems, elements, text: document.body.innerText, ground: (r + g + b) / 765 };
  const out = document.createElement("script");
  out.id = "found";
  out.type = "application/json";
  out.textContent = JSON.stringify(found).replaceAll("<", "\\u003c");
  document.body.append(out);
})();
