// The place that all crops show: a frame over the whole image, moved by mouse, touch and keys. It tells the crops by
// the event "place" of the document.
(() => {
  "use strict";
  const stage = document.getElementById("stage");
  if (!stage) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const box = document.getElementById("box");
  const output = document.getElementById("place");
  const hold = document.getElementById("tools").elements.hold;
  const { width, height, detail } = data;
  const home = { x: detail.left + detail.width / 2, y: detail.top + detail.height / 2 };
  const centre = { ...home };
  let side = detail.width;
  let said = 0;

  const overview = new Image(width, height);
  overview.src = data.images[data.overview];
  overview.alt = "";
  overview.draggable = false;
  stage.prepend(overview);

  const clamp = (number, least, most) => Math.min(Math.max(number, least), Math.max(least, most));

  function show() {
    const across = Math.min(side, width);
    const down = Math.min(side, height);
    const left = clamp(Math.round(centre.x - across / 2), 0, width - across);
    const top = clamp(Math.round(centre.y - down / 2), 0, height - down);
    box.style.left = `${(100 * left) / width}%`;
    box.style.top = `${(100 * top) / height}%`;
    box.style.width = `${(100 * across) / width}%`;
    box.style.height = `${(100 * down) / height}%`;
    stage.dataset.left = left;
    stage.dataset.top = top;
    window.clearTimeout(said); // said when the frame rests
    said = window.setTimeout(() => {
      output.textContent = `${across}×${down} pixels at x ${left}, y ${top}`;
    }, 200);
    document.dispatchEvent(new CustomEvent("place", { detail: { left, top, width: across, height: down } }));
  }

  function move(x, y) {
    const half = { x: Math.min(side, width) / 2, y: Math.min(side, height) / 2 };
    centre.x = clamp(x, half.x, width - half.x);
    centre.y = clamp(y, half.y, height - half.y);
    show();
  }

  function follow(event) {
    const area = overview.getBoundingClientRect();
    move(((event.clientX - area.left) / area.width) * width, ((event.clientY - area.top) / area.height) * height);
  }

  stage.addEventListener("pointermove", (event) => {
    if (!hold.checked && (event.pointerType === "mouse" || event.buttons)) follow(event);
  });
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse") {
      hold.checked = !hold.checked;
    } else {
      hold.checked = false;
      stage.setPointerCapture(event.pointerId);
    }
    if (event.pointerType !== "mouse" || !hold.checked) follow(event);
  });
  stage.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (step) {
      const length = event.shiftKey ? 1 : 8;
      move(centre.x + step[0] * length, centre.y + step[1] * length);
    } else if (event.key === "Home") {
      move(home.x, home.y);
    } else {
      return;
    }
    event.preventDefault();
  });
  // The crops say how many pixels fit into one of them.
  document.addEventListener("side", (event) => {
    side = event.detail;
    move(centre.x, centre.y);
  });
})();
