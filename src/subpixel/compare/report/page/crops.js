// The crops of every method at one place: pixels, or the error against the reference, each at an integer magnification.
(() => {
  "use strict";
  const tiles = document.getElementById("tiles");
  if (!tiles) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const tools = document.getElementById("tools");
  const canvases = [...tiles.querySelectorAll("canvas")];
  const images = data.images.map(() => new Image());
  let place = null;
  let waiting = false;

  const chosen = (name, otherwise) => (tools.elements[name] ? tools.elements[name].value : otherwise);
  const luma = (r, g, b) => (65.481 * r + 128.553 * g + 24.966 * b) / 255;

  // The part of an image at the place; the small image is enlarged by repeating its pixels.
  function draw(context, tile) {
    const shrink = tile.small ? data.scale : 1;
    context.imageSmoothingEnabled = false;
    context.drawImage(
      images[tile.image],
      place.left / shrink,
      place.top / shrink,
      place.width / shrink,
      place.height / shrink,
      0,
      0,
      place.width,
      place.height,
    );
  }

  // From black through red and yellow to white, as in the PNG files of the errors.
  function colour(pixels, truth, limit) {
    for (let at = 0; at < pixels.length; at += 4) {
      const difference =
        luma(pixels[at], pixels[at + 1], pixels[at + 2]) - luma(truth[at], truth[at + 1], truth[at + 2]);
      const thirds = (3 * Math.abs(difference)) / limit;
      for (let channel = 0; channel < 3; channel += 1) {
        pixels[at + channel] = Math.floor(Math.min(Math.max(thirds - channel, 0), 1) * 255 + 0.5);
      }
    }
  }

  function render() {
    waiting = false;
    if (!place || tiles.dataset.ready === undefined) return;
    const zoom = Number(chosen("zoom", 3));
    const errors = chosen("shown", "pixels") === "errors";
    const limit = Number(chosen("limit", 64));
    let truth = null;
    canvases.forEach((canvas) => {
      const tile = data.tiles[Number(canvas.dataset.tile)];
      if (canvas.width !== place.width || canvas.height !== place.height) {
        canvas.width = place.width;
        canvas.height = place.height;
      }
      canvas.style.width = `${place.width * zoom}px`;
      canvas.style.height = `${place.height * zoom}px`;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      draw(context, tile);
      if (tile.truth) truth = context.getImageData(0, 0, place.width, place.height);
      if (errors && truth && !tile.truth && !tile.small) {
        const pixels = context.getImageData(0, 0, place.width, place.height);
        colour(pixels.data, truth.data, limit);
        context.putImageData(pixels, 0, 0);
      }
    });
  }

  function renderSoon() {
    if (waiting) return;
    waiting = true;
    window.requestAnimationFrame(render);
  }

  // As many pixels as fit into a column of the grid at the magnification.
  function fit() {
    const column = parseFloat(window.getComputedStyle(tiles).gridTemplateColumns);
    const side = Math.max(16, Math.floor(column / Number(chosen("zoom", 3))));
    document.dispatchEvent(new CustomEvent("side", { detail: side }));
  }

  document.addEventListener("place", (event) => {
    place = event.detail;
    renderSoon();
  });
  tools.addEventListener("change", () => {
    const errors = chosen("shown", "pixels") === "errors";
    document.querySelectorAll(".errors-only").forEach((part) => (part.hidden = !errors));
    const limit = document.getElementById("limit");
    if (limit) limit.textContent = chosen("limit", "64");
    fit();
    renderSoon();
  });
  tools.addEventListener("submit", (event) => event.preventDefault());
  new ResizeObserver(fit).observe(tiles);
  fit();
  const loaded = (image, at) =>
    new Promise((done, failed) => {
      image.onload = done;
      image.onerror = failed;
      image.src = data.images[at];
    });
  Promise.all(images.map(loaded)).then(
    () => {
      tiles.dataset.ready = "";
      render();
    },
    () => {
      tiles.textContent = "This browser cannot show lossless WebP. The files in the folder images are PNG.";
    },
  );
})();
