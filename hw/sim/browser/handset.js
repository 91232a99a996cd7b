// The page: a telephone for each of those the server names, worked by mouse, touch and keyboard.

import { Handset, paintPanel } from "./drawing.js";
import { Line, Sound } from "./sound.js";

const KEYBOARD = {
  Enter: "ok", Escape: "back", Backspace: "back", ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
  m: "mute", h: "hold", s: "speaker", r: "redial", t: "transfer", "+": "volume-up", "=": "volume-up", "-": "volume-down",
  F1: "line1", F2: "line2",
};
for (const digit of "0123456789*#") KEYBOARD[digit] = digit;
const STAGE = { width: 620, height: 726 }; // of one telephone, with its name plate
const GAP = 12;
const SMALLEST = 0.54; // keys smaller than this cannot be hit: rather scroll
const LARGEST = 2.5;
/** A lamp's rhythm, for who cannot see it. */
const LAMP_TELLS = { off: "lamp off", on: "lamp lit", ring: "lamp blinking fast", held: "lamp winking", missed: "lamp pulsing" };

const hints = document.getElementById("hints");
const guide = document.getElementById("guide");
const desk = document.getElementById("desk");

/** Show a hint under its name, or take it away. */
function hint(name, text) {
  let line = hints.querySelector(`[data-name="${name}"]`);
  if (!text) return line?.remove();
  if (!line) {
    line = document.createElement("p");
    line.className = "hint";
    line.dataset.name = name;
    hints.append(line);
  }
  line.textContent = text;
}

/** Say what to do next; `[1002]` stands for keys to press. */
function advise(text) {
  if (guide.dataset.text === text) return;
  guide.dataset.text = text;
  guide.replaceChildren(...text.split(/\[(.+?)\]/).map((part, n) => (n % 2 ? keysOf(part) : part)));
}

function keysOf(number) {
  const keys = document.createElement("span");
  for (const key of number) keys.append(Object.assign(document.createElement("kbd"), { textContent: key }));
  return keys;
}

/** One telephone: shows what its server says, and tells it what the person does. */
class Telephone {
  constructor({ user, name, base }, sound) {
    this.user = user;
    this.name = name;
    this.base = base;
    this.sent = Promise.resolve();
    this.held = new Map(); // what holds a key (a pointer, a keyboard key) -> the key
    this.state = { hook: "on", keys_down: [], lamps: {}, lamps_tell: {}, ringing: false, ring: { cadence_ms: [] } };
    this.build();
    this.line = new Line(sound, this.address("sim/audio"), (plugged) => (this.find(".microphone").hidden = !plugged));
    this.follow();
  }

  build() {
    this.element = document.getElementById("telephone").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.element.querySelector(selector);
    this.element.dataset.user = this.user;
    this.element.setAttribute("aria-label", `telephone ${this.user}, ${this.name}`);
    this.find(".user").textContent = this.user;
    this.find(".name").textContent = this.name === this.user ? "" : this.name;
    this.find(".nameplate").textContent = this.user;
    this.keys = new Map([...this.element.querySelectorAll("[data-key]")].map((key) => [key.dataset.key, key]));
    this.handset = new Handset(this.find(".handset"), this.find(".cord"));
    for (const [key, button] of this.keys) this.wire(key, button);
    const handset = this.find(".handset");
    handset.addEventListener("click", () => this.toggleHook());
    handset.addEventListener("pointerdown", (event) => this.keepFocus(event));
    this.element.addEventListener("focusin", () => page.choose(this));
    this.element.addEventListener("pointerdown", () => page.choose(this));
    desk.append(this.element);
  }

  /** A key is down for as long as the pointer holds it, wherever the pointer goes meanwhile. */
  wire(key, button) {
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.keepFocus(event);
      button.setPointerCapture(event.pointerId);
      this.hold(`pointer ${event.pointerId}`, key);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(end, (event) => this.letGo(`pointer ${event.pointerId}`));
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    // A click without a pointer: a screen reader's, which does not say how long.
    button.addEventListener("click", (event) => {
      if (event.detail !== 0 || event.pointerType) return;
      this.hold("click", key);
      setTimeout(() => this.letGo("click"), 100);
    });
  }

  /** Leave the keyboard to the telephone as a whole: Enter is OK, not the key clicked last. */
  keepFocus(event) {
    event.preventDefault();
    this.element.focus({ preventScroll: true });
  }

  hold(holder, key) {
    if (this.held.has(holder) || !this.keys.has(key)) return;
    const first = ![...this.held.values()].includes(key);
    this.held.set(holder, key);
    this.press(key);
    if (first) this.send("sim/key", { key, down: true });
  }

  letGo(holder) {
    const key = this.held.get(holder);
    if (key === undefined) return;
    this.held.delete(holder);
    if ([...this.held.values()].includes(key)) return;
    this.press(key);
    this.send("sim/key", { key, down: false });
  }

  letAllGo() {
    for (const holder of [...this.held.keys()]) this.letGo(holder);
  }

  toggleHook() {
    const off = this.state.hook === "on";
    this.send("sim/hook", { off });
  }

  /** Tell the server, one thing after the other, however long each takes. */
  send(path, body) {
    const options = { method: "POST", body: JSON.stringify(body), keepalive: true };
    options.headers = { "Content-Type": "application/json" };
    this.sent = this.sent
      .then(() => fetch(this.base + path, options))
      .then(async (answer) => answer.ok || Promise.reject(new Error((await answer.json()).error ?? answer.statusText)))
      .then(() => hint(`error ${this.user}`, ""), (error) => hint(`error ${this.user}`, `${this.user}: ${error.message}`));
  }

  /** Follow the board by WebSocket: browsers allow too few event streams for a page of six telephones. */
  follow() {
    const socket = new WebSocket(this.address("sim/events"));
    socket.onopen = () => this.reachable(true);
    socket.onmessage = ({ data }) => this.show(JSON.parse(data));
    socket.onclose = () => {
      this.reachable(false);
      setTimeout(() => this.follow(), 1000);
    };
  }

  address(path) {
    const url = new URL(this.base + path, location);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  reachable(reachable) {
    this.element.classList.toggle("gone", !reachable);
    hint(`gone ${this.user}`, reachable ? "" : `Telephone ${this.user} does not answer; trying again.`);
  }

  show(state) {
    const before = this.state;
    this.state = state;
    if (before.display?.pixels !== state.display.pixels) this.paint();
    for (const [key, button] of this.keys) {
      button.hidden = !state.keys.includes(key);
      this.press(key);
    }
    for (const lamp of this.element.querySelectorAll("[data-lamp]")) {
      const shows = state.lamps[lamp.dataset.lamp] ?? "off";
      lamp.classList.toggle("on", shows === "on");
      lamp.classList.toggle("blink", shows === "blink");
      lamp.dataset.tells = state.lamps_tell[lamp.dataset.lamp] ?? "off";
      lamp.closest("button")?.setAttribute("aria-description", LAMP_TELLS[lamp.dataset.tells] ?? "lamp blinking");
    }
    const lifted = state.hook === "off";
    this.handset.set(lifted);
    const handset = this.find(".handset");
    handset.setAttribute("aria-pressed", lifted);
    handset.setAttribute("aria-label", lifted ? "put the handset down" : "lift the handset");
    this.element.classList.toggle("off-hook", lifted);
    if (state.ring.cadence_ms.join() !== before.ring.cadence_ms.join()) this.ring(state.ring.cadence_ms);
    this.find(".doing").textContent = state.ringing && !lifted ? "ringing: lift the handset" : lifted ? "off the hook" : "";
    if (lifted && before.hook === "on" && before.display) page.choose(this); // lifted now, not before the page came
    page.connect();
  }

  paint() {
    if (this.state.display) paintPanel(this.find(".panel"), this.state.display, page.zoom);
  }

  press(key) {
    const down = this.state.keys_down.includes(key) || [...this.held.values()].includes(key);
    this.keys.get(key).classList.toggle("held", down);
  }

  /** Shake in the cadence: on, off, on, off ... milliseconds. */
  ring(cadence) {
    clearTimeout(this.shaking);
    const step = (n) => {
      this.element.classList.toggle("rings", n % 2 === 0);
      this.shaking = setTimeout(() => step((n + 1) % cadence.length), Math.max(cadence[n], 20));
    };
    if (cadence.length > 1) step(0);
    else this.element.classList.toggle("rings", cadence.length === 1);
  }

  /** Whether a person would hear anything from it. */
  get audible() {
    return this.spoken || this.state.ringing;
  }

  /** Whether a person could speak into it. */
  get spoken() {
    return this.state.hook === "off" || ["on", "blink"].includes(this.state.lamps.speaker);
  }
}

/** What concerns all telephones together: the keyboard, the microphone, their size. */
const page = {
  phones: [],
  zoom: 1,
  order: [], // last chosen first

  choose(phone) {
    if (this.order[0] === phone) return;
    this.order = [phone, ...this.order.filter((other) => other !== phone)];
    sessionStorage.setItem("chosen", phone.user); // a reload goes on where one was
    for (const other of this.phones) other.element.classList.toggle("focused", other === phone);
    this.connect();
  },

  /** The telephones that sound are connected; the microphone goes to the one lifted or chosen last. */
  connect() {
    const speaks = this.order.find((phone) => phone.spoken) ?? this.phones.find((phone) => phone.spoken);
    for (const phone of this.phones) {
      phone.line.set(phone.audible);
      phone.line.speak(phone === speaks);
    }
    if (this.phones.some((phone) => phone.audible)) sound.wanted();
    this.advise();
  },

  /** What a newcomer would do next. */
  advise() {
    const inUse = this.phones.filter((phone) => phone.spoken);
    const rings = this.phones.find((phone) => phone.state.ringing && !phone.spoken);
    const other = this.phones.find((phone) => phone !== (inUse[0] ?? this.phones[0]) && /^[\d*#]{1,8}$/.test(phone.user));
    const number = other ? `[${other.user}]` : "a number";
    if (rings) advise(`${rings.user} is ringing: click its handset to answer.`);
    else if (!inUse.length) advise(`Click a handset to lift it, then dial ${number}.`);
    else if (inUse.length === 1) advise(`Dial ${number}; click the handset again to hang up.`);
    else advise("Click a telephone to speak into that one.");
  },

  keyDown(event) {
    const phone = this.order[0] ?? this.phones[0];
    if (!phone || event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target instanceof HTMLButtonElement;
    if (event.key === " " && !onButton) {
      event.preventDefault();
      if (!event.repeat) phone.toggleHook();
      return;
    }
    const pressesButton = onButton && (event.key === " " || event.key === "Enter");
    const key = pressesButton ? event.target.dataset.key : KEYBOARD[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!key) return; // the handset's own button, Tab, and whatever a telephone has no key for
    event.preventDefault();
    if (!event.repeat) phone.hold(`keyboard ${event.code || event.key}`, key);
  },

  keyUp(event) {
    if (event.key === " " && event.target.dataset?.key) event.preventDefault();
    for (const phone of this.phones) phone.letGo(`keyboard ${event.code || event.key}`);
  },

  letAllGo() {
    for (const phone of this.phones) phone.letAllGo();
  },

  /** All telephones at once and as large as fits; where that is too small, as wide as fits, and the page scrolls. */
  fit() {
    const count = this.phones.length;
    const around = [...document.querySelectorAll("header, #keyboard")].reduce((sum, { offsetHeight }) => sum + offsetHeight, 0);
    const high = (innerHeight - around) / STAGE.height;
    const wide = (columns, width) => (width - 16 - GAP * (columns - 1)) / (columns * STAGE.width);
    const whole = this.phones.map((_, n) => Math.min(wide(n + 1, innerWidth), high / Math.ceil(count / (n + 1))));
    let zoom = Math.max(...whole);
    if (zoom < SMALLEST) {
      const within = innerWidth - 16; // a scroll bar's room
      const columns = Math.max(1, this.phones.findLastIndex((_, n) => wide(n + 1, within) >= SMALLEST) + 1);
      zoom = Math.min(wide(columns, within), Math.max(high, SMALLEST), 1);
    }
    this.zoom = Math.min(zoom, LARGEST);
    desk.style.setProperty("--zoom", this.zoom);
    for (const phone of this.phones) phone.paint();
  },
};

const sound = new Sound(hint);
page.phones = JSON.parse(document.getElementById("phones").textContent).map((phone) => new Telephone(phone, sound));
const chosen = page.phones.find(({ user }) => user === sessionStorage.getItem("chosen"));
if (chosen || page.phones.length === 1) page.choose(chosen ?? page.phones[0]);
page.fit();
page.advise();

addEventListener("resize", () => page.fit());
addEventListener("keydown", (event) => page.keyDown(event));
addEventListener("keyup", (event) => page.keyUp(event));
addEventListener("blur", () => page.letAllGo());
addEventListener("pagehide", () => page.letAllGo());
for (const gesture of ["pointerdown", "pointerup", "click", "keydown"]) {
  addEventListener(gesture, () => sound.unlock(), { capture: true });
}

window.offhook = {
  phones: Object.fromEntries(
    page.phones.map((phone) => [
      phone.user,
      {
        levels: () => phone.line.levels(),
        get analyser() { return phone.line.analyser; },
        get source() { return phone.line.source; },
        get state() { return phone.state; },
        get connected() { return Boolean(phone.line.node); },
        get microphone() { return Boolean(phone.line.plugged); },
      },
    ]),
  ),
};
