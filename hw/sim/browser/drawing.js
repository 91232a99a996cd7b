// What of a telephone is drawn by program: the panel's pixels, and the handset with its coiled cord.

const LIT = [191, 233, 255];
const DARK = [4, 7, 10];

const GLASS = { width: 296, height: 152, margin: 6 }; // what of the glass the panel may take

/** Paint the firmware's picture: rows from the top, most significant bit leftmost, 1 is lit. One bit, one square. */
export function paintPanel(canvas, display, zoom) {
  const { width, height } = display;
  const octets = Uint8Array.from(atob(display.pixels), (c) => c.charCodeAt(0));
  const image = new ImageData(width, height);
  for (let n = 0; n < width * height; n++) {
    const color = octets[n >> 3] & (0x80 >> (n & 7)) ? LIT : DARK;
    image.data.set([...color, 255], 4 * n);
  }
  const bitmap = new OffscreenCanvas(width, height);
  bitmap.getContext("2d").putImageData(image, 0, 0);
  const scale = place(canvas, display, zoom * devicePixelRatio);
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", display.lines.filter(Boolean).join(", ") || "the panel");
}

/** Size the panel to its glass; returns the canvas's pixels to a square. `ratio`: device pixels to a pixel of the stage. */
function place(canvas, { width, height }, ratio) {
  const fits = Math.min((GLASS.width - 2 * GLASS.margin) / width, (GLASS.height - 2 * GLASS.margin) / height);
  const whole = Math.floor(fits * ratio + 0.001);
  // All squares of one size, whole device pixels, unless that would leave much of the glass empty.
  const exact = whole >= 0.75 * fits * ratio;
  const square = exact ? whole / ratio : 0.9 * fits;
  Object.assign(canvas.style, {
    left: `${(GLASS.width - width * square) / 2}px`,
    top: `${4 + (GLASS.height - height * square) / 2}px`,
    width: `${width * square}px`,
    height: `${height * square}px`,
  });
  canvas.classList.toggle("smooth", !exact);
  return exact ? whole : Math.ceil(3 * ratio);
}

const REST = { x: 0, y: 0, turn: 0, scale: 1 };
const LIFTED = { x: -16, y: -50, turn: -5, scale: 1.05 };
const LIFTING = 380; // milliseconds
const PIVOT = { x: 53 + 70, y: 72 + 476 }; // the handset's transform-origin on the stage
const END = { x: 0, y: 78 }; // the cord's outlet, from there
const SOCKET = { x: 36, y: 560 }; // where the cord enters the body's side
const LOOPS = 30;

/** The handset and its cord, moving between the cradle and the hand. */
export class Handset {
  constructor(handset, cord) {
    this.handset = handset;
    this.paths = [...cord.querySelectorAll("path")];
    this.lifted = false;
    this.at = 0; // 0 in the cradle, 1 in the hand
    this.draw();
  }

  /** Move it; the drawing follows within LIFTING milliseconds. */
  set(lifted) {
    if (lifted === this.lifted) return;
    this.lifted = lifted;
    this.handset.classList.toggle("lifted", lifted);
    if (this.moving) cancelAnimationFrame(this.moving);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const from = this.at;
    const began = performance.now();
    const step = (time) => {
      const part = still ? 1 : Math.max(0, Math.min(1, (time - began) / LIFTING));
      const eased = lifted ? overshoot(part) : part * part * (3 - 2 * part);
      this.at = from + ((lifted ? 1 : 0) - from) * eased;
      this.draw();
      this.moving = part < 1 ? requestAnimationFrame(step) : 0;
    };
    this.moving = requestAnimationFrame(step);
  }

  draw() {
    const mix = (name) => REST[name] + (LIFTED[name] - REST[name]) * this.at;
    const [x, y, turn, scale] = [mix("x"), mix("y"), mix("turn"), mix("scale")];
    this.handset.style.transform = `translate(${x}px, ${y}px) rotate(${turn}deg) scale(${scale})`;
    const angle = (turn * Math.PI) / 180;
    const outlet = {
      x: PIVOT.x + x + scale * (END.x * Math.cos(angle) - END.y * Math.sin(angle)),
      y: PIVOT.y + y + scale * (END.x * Math.sin(angle) + END.y * Math.cos(angle)),
    };
    const sag = { x: -58 - 20 * this.at, y: 742 };
    const coil = coilPath(outlet, { x: outlet.x - 6 - 24 * Math.sin(angle), y: 742 }, sag, SOCKET);
    for (const path of this.paths) path.setAttribute("d", coil);
  }
}

function overshoot(part) {
  const back = part - 1;
  return 1 + 2.1 * back ** 3 + 1.1 * back ** 2;
}

/** A coil wound around the Bézier curve from `a` to `d`: straight at both ends, LOOPS turns between. */
function coilPath(a, b, c, d) {
  const points = [];
  const steps = LOOPS * 14;
  for (let n = 0; n <= steps; n++) {
    const t = n / steps;
    const s = 1 - t;
    const at = (p) => s * s * s * a[p] + 3 * s * s * t * b[p] + 3 * s * t * t * c[p] + t * t * t * d[p];
    const along = (p) => 3 * s * s * (b[p] - a[p]) + 6 * s * t * (c[p] - b[p]) + 3 * t * t * (d[p] - c[p]);
    const [dx, dy] = [along("x"), along("y")];
    const length = Math.hypot(dx, dy) || 1;
    const wide = 7.5 * Math.min(1, t * 14, s * 14); // the coil begins and ends thin
    const turn = 2 * Math.PI * LOOPS * t;
    const [forth, aside] = [0.75 * wide * Math.sin(turn), wide * Math.cos(turn)];
    points.push([at("x") + (forth * dx - aside * dy) / length, at("y") + (forth * dy + aside * dx) / length]);
  }
  return `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
}
