// The page's sound: one audio context and one microphone, and for each telephone a line to its server.

const MEASURED = 0.5; // seconds that levels() looks back

/** The browser's loudspeaker and microphone, shared by all telephones of the page. */
export class Sound {
  /** `hint(name, text)` shows a hint, or takes it away where the text is empty. */
  constructor(hint) {
    this.hint = hint;
    this.context = null;
    this.ready = new Promise((resolve) => (this.begun = resolve));
    if (!window.isSecureContext) {
      hint("sound", "Sound needs this page on http://localhost or over HTTPS: the telephones work, but silently.");
    }
  }

  /** There is something to hear: begin, or ask for the gesture that the browser waits for. */
  wanted() {
    if (!window.isSecureContext || this.context) return;
    this.context = this.begin();
    setTimeout(() => {
      if (this.context.state !== "running") this.hint("sound", "Click anywhere, or press any key, to hear this page.");
    }, 300);
  }

  /** To be called in every gesture: browsers keep a page silent until one that they accept. */
  unlock() {
    if (!window.isSecureContext || this.context?.state === "running") return;
    this.context ??= this.begin();
    this.context.resume();
  }

  begin() {
    const context = new AudioContext({ latencyHint: "interactive" });
    const loaded = context.audioWorklet.addModule("/page/sound-worklet.js");
    context.onstatechange = async () => {
      if (context.state !== "running") return;
      await loaded;
      this.hint("sound", "");
      this.begun(context);
    };
    loaded.catch((error) => this.hint("sound", `No sound: ${error.message}`));
    return context;
  }

  /** The microphone as an audio node; null if the person or the machine refuses. Asks once. */
  microphone() {
    this.listening ??= this.listen();
    return this.listening;
  }

  async listen() {
    const context = await this.ready;
    // A headset needs no echo cancelling, and sounds better without: say ?microphone=raw.
    const clean = new URLSearchParams(location.search).get("microphone") !== "raw";
    const audio = { echoCancellation: clean, noiseSuppression: clean, autoGainControl: false };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      this.hint("microphone", "");
      return context.createMediaStreamSource(stream);
    } catch (error) {
      const missing = error.name === "NotFoundError";
      const why = missing ? "This computer has no microphone" : "The browser was refused the microphone";
      this.hint("microphone", `${why}: you hear the other side, but it does not hear you.`);
      this.listening = null; // asked again at the next call
      return null;
    }
  }
}

/** One telephone's sound, both ways, over its WebSocket. */
export class Line {
  /** `plugged(yes)` is told whenever the microphone begins or ceases to speak here. */
  constructor(sound, url, plugged) {
    this.sound = sound;
    this.url = url;
    this.tell = plugged;
    this.wanted = false;
    this.speaking = false;
    this.plugged = false;
  }

  /** Connect (true) or hang silent (false). */
  async set(wanted) {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    if (!wanted) return this.disconnect();
    const context = await this.sound.ready;
    if (this.wanted && !this.socket) this.connect(context);
  }

  /** Whether the page's microphone speaks into this telephone. */
  async speak(speaking) {
    if (speaking === this.speaking) return;
    this.speaking = speaking;
    if (speaking) this.source ??= await this.sound.microphone();
    this.plug();
  }

  connect(context) {
    this.analyser ??= this.meter(context);
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      if (typeof data === "string") this.start(context, JSON.parse(data));
      else this.node?.port.postMessage(data, [data]);
    };
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.disconnect();
      setTimeout(() => this.wanted && !this.socket && this.connect(context), 1000);
    };
  }

  start(context, { rate_hz: rate, frame_samples: frame }) {
    const { socket } = this;
    this.node = new AudioWorkletNode(context, "telephone", {
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { rate, frame },
    });
    this.node.port.onmessage = ({ data }) => {
      // Late speech is worse than lost speech: do not queue behind a connection that stalls.
      if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < 16384) socket.send(data);
    };
    this.node.connect(this.analyser);
    this.plug();
  }

  disconnect() {
    const { node, socket } = this;
    this.unplug();
    this.node = this.socket = null;
    socket?.close();
    node?.port.postMessage("close");
    node?.disconnect();
  }

  plug() {
    if (!this.speaking) return this.unplug();
    if (!this.node || !this.source || this.plugged) return;
    this.source.connect(this.node);
    this.plugged = true;
    this.tell(true);
  }

  unplug() {
    if (!this.plugged) return;
    this.source.disconnect(this.node);
    this.plugged = false;
    this.tell(false);
  }

  meter(context) {
    const analyser = new AnalyserNode(context, { fftSize: 32768 });
    analyser.connect(context.destination);
    // A source of nothing keeps the meter running, so that it forgets old sound while the line is silent.
    const nothing = new ConstantSourceNode(context, { offset: 0 });
    nothing.connect(analyser);
    nothing.start();
    return analyser;
  }

  /** What the last half second actually played: rms and peak (1 is full scale) and its strongest frequencies. */
  levels() {
    if (!this.analyser) return { rms: 0, peak: 0, frequency_hz: 0, frequencies_hz: [] };
    const { sampleRate } = this.sound.context;
    const all = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(all);
    const samples = all.subarray(-Math.min(all.length, Math.round(MEASURED * sampleRate)));
    const rms = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
    const peak = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const frequencies = rms > 1e-4 ? strongest(samples, sampleRate, all.length) : [];
    return { rms, peak, frequency_hz: frequencies[0] ?? 0, frequencies_hz: frequencies };
  }
}

/** Up to three spectral peaks in Hz, strongest first, none weaker than a fifth of the strongest. */
function strongest(samples, rate, size) {
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  samples.forEach((x, n) => (real[n] = x * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / samples.length))));
  transform(real, imaginary);
  const power = Float64Array.from({ length: size / 2 }, (_, n) => Math.hypot(real[n], imaginary[n]));
  const peaks = [];
  for (let n = 2; n < power.length - 1; n++) {
    if (power[n] > power[n - 1] && power[n] >= power[n + 1]) peaks.push(n);
  }
  peaks.sort((a, b) => power[b] - power[a]);
  const apart = (20 * size) / rate; // a window's own side lobes are no peaks
  const found = [];
  for (const n of peaks) {
    if (found.length === 3 || power[n] < power[peaks[0]] / 5) break;
    if (found.every((other) => Math.abs(other - n) > apart)) found.push(n);
  }
  return found.map((n) => {
    const [a, b, c] = [power[n - 1], power[n], power[n + 1]];
    return ((n + (0.5 * (a - c)) / (a - 2 * b + c)) * rate) / size;
  });
}

/** The discrete Fourier transform in place; the length is a power of two. */
function transform(real, imaginary) {
  const size = real.length;
  for (let n = 1, m = 0; n < size; n++) {
    let bit = size >> 1;
    for (; m & bit; bit >>= 1) m ^= bit;
    m ^= bit;
    if (n < m) {
      [real[n], real[m]] = [real[m], real[n]];
      [imaginary[n], imaginary[m]] = [imaginary[m], imaginary[n]];
    }
  }
  for (let span = 2; span <= size; span <<= 1) {
    for (let k = 0; k < span / 2; k++) {
      const angle = (-2 * Math.PI * k) / span;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (let n = k; n < size; n += span) {
        const m = n + span / 2;
        const x = real[m] * c - imaginary[m] * s;
        const y = real[m] * s + imaginary[m] * c;
        real[m] = real[n] - x;
        imaginary[m] = imaginary[n] - y;
        real[n] += x;
        imaginary[n] += y;
      }
    }
  }
}
