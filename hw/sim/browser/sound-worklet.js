// The audio thread's part: between the browser's sample rate and the telephone's, through a small jitter buffer.

const PHASES = 256; // steps of the interpolation table within one input sample
const REACH = 12; // zero crossings of the filter on either side
const TARGET = 0.05; // seconds of sound waiting before playing begins, and aimed at afterwards
const LIMIT = 0.16; // seconds; more than this is cut down to the target at once
const STEER = 0.003; // the most by which playing speeds up or slows down to follow the other clock

/** A windowed-sinc resampler over a stream: push input, pull output. */
class Resampler {
  constructor(from, to) {
    this.from = from;
    this.step = from / to; // input samples to an output sample
    const edge = 0.92 * Math.min(1, to / from);
    this.half = Math.ceil(REACH / edge);
    this.table = this.kernel(edge);
    this.samples = new Float32Array(Math.ceil(from * 2));
    this.length = this.half; // begins with silence for the filter's left side
    this.at = this.half;
  }

  kernel(edge) {
    const table = new Float32Array((2 * this.half + 1) * PHASES + 1);
    for (let n = 0; n < table.length; n++) {
      const x = n / PHASES - this.half;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * edge * x) / (Math.PI * edge * x);
      const window = Math.abs(x) < this.half ? 0.5 + 0.5 * Math.cos((Math.PI * x) / this.half) : 0;
      table[n] = edge * sinc * window;
    }
    return table;
  }

  /** Seconds of input not yet played. */
  get waiting() {
    return Math.max(0, this.length - this.at) / this.from;
  }

  push(samples) {
    if (this.length + samples.length > this.samples.length) this.compact(samples.length);
    this.samples.set(samples, this.length);
    this.length += samples.length;
  }

  /** Forget all but the newest `seconds`. */
  skip(seconds) {
    this.at = Math.max(this.at, this.length - seconds * this.from);
  }

  /** Fill `output` from `start`; returns where the input ran out, or output.length. */
  pull(output, start = 0, speed = 1) {
    let n = start;
    for (; n < output.length && this.at + this.half < this.length; n++) {
      output[n] = this.sample(this.at);
      this.at += this.step * speed;
    }
    return n;
  }

  sample(at) {
    const first = Math.ceil(at - this.half);
    let sum = 0;
    for (let n = first; n <= at + this.half; n++) {
      sum += this.samples[n] * this.table[Math.round((n - at + this.half) * PHASES)];
    }
    return sum;
  }

  compact(room) {
    // Oldest input goes, played or not, if nobody pulled for seconds.
    const keep = Math.max(Math.floor(this.at) - this.half, this.length + room - this.samples.length, 0);
    this.samples.copyWithin(0, keep, this.length);
    this.length -= keep;
    this.at = Math.max(this.at - keep, this.half);
  }
}

class Telephone extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, frame } }) {
    super();
    this.ear = new Resampler(rate, sampleRate);
    this.mouth = new Resampler(sampleRate, rate);
    this.frame = new Float32Array(frame);
    this.filled = 0;
    this.flowing = false;
    this.depth = TARGET;
    this.open = true;
    this.port.onmessage = ({ data }) => (data === "close" ? (this.open = false) : this.receive(data));
  }

  receive(buffer) {
    const words = new DataView(buffer);
    const samples = new Float32Array(buffer.byteLength >> 1);
    for (let n = 0; n < samples.length; n++) samples[n] = words.getInt16(2 * n, true) / 32768;
    this.ear.push(samples);
  }

  process([[spoken]], [[played]]) {
    this.play(played);
    if (spoken) this.speak(spoken);
    return this.open;
  }

  play(output) {
    const waiting = this.ear.waiting;
    if (!this.flowing && waiting < TARGET) return;
    if (waiting > LIMIT) this.ear.skip(TARGET);
    this.depth += (Math.min(waiting, LIMIT) - this.depth) * 0.005; // over about half a second
    const steer = Math.max(-1, Math.min(1, (this.depth - TARGET) / TARGET)) * STEER;
    this.flowing = this.ear.pull(output, 0, 1 + steer) === output.length;
  }

  speak(input) {
    this.mouth.push(input);
    for (;;) {
      this.filled = this.mouth.pull(this.frame, this.filled);
      if (this.filled < this.frame.length) return;
      this.filled = 0;
      const words = new DataView(new ArrayBuffer(2 * this.frame.length));
      this.frame.forEach((x, n) => words.setInt16(2 * n, Math.round(32767 * Math.max(-1, Math.min(1, x))), true));
      this.port.postMessage(words.buffer, [words.buffer]);
    }
  }
}

registerProcessor("telephone", Telephone);
