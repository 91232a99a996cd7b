// The audio thread's part: between the browser's sample rate and the telephone's, through a small jitter buffer.

const PHASES = 256; // steps of the interpolation table within one input sample
const REACH = 12; // zero crossings of the filter on either side
const STEER = 0.003; // the most by which playing speeds up or slows down to follow the other clock
const JUDGED = 0.5; // seconds after which the buffer's depth is looked at again
const LIMIT = 0.2; // seconds; more than this waiting is cut down at once
// Seconds that wait when fewest do: few at first, more whenever they ran out, and slowly fewer again.
const MARGIN = { first: 0.02, least: 0.012, most: 0.1, more: 0.015, fade: 0.001 };
const SPARE = 0.03; // seconds above the margin that are cut rather than steered away

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

  /** Forget the oldest `seconds`. */
  skip(seconds) {
    this.at = Math.min(this.length, this.at + Math.max(0, seconds * this.from));
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

/** Plays a stream as early as its jitter allows: what counts is how little was waiting at the worst moment. */
class Playout {
  constructor(stream, frame) {
    this.stream = stream;
    this.frame = frame; // seconds that arrive at once
    this.margin = MARGIN.first;
    this.flowing = false;
    this.begin(0);
  }

  begin(now) {
    this.low = Infinity;
    this.judged = now + JUDGED;
  }

  play(output, now) {
    const { waiting } = this.stream;
    if (!this.flowing) {
      if (waiting < this.margin + this.frame) return;
      this.begin(now);
      this.speed = 1;
    }
    if (waiting > LIMIT) this.stream.skip(waiting - this.margin - this.frame);
    this.low = Math.min(this.low, waiting);
    if (now >= this.judged) this.judge(now);
    this.flowing = this.stream.pull(output, 0, this.speed) === output.length;
    if (!this.flowing) this.margin = Math.min(MARGIN.most, this.margin + MARGIN.more);
  }

  judge(now) {
    const spare = this.low - this.margin;
    if (spare > SPARE) this.stream.skip(spare);
    this.speed = 1 + STEER * Math.max(-1, Math.min(1, spare / 0.01));
    this.margin = Math.max(MARGIN.least, this.margin - MARGIN.fade * JUDGED);
    this.begin(now);
  }
}

class Telephone extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, frame } }) {
    super();
    this.ear = new Resampler(rate, sampleRate);
    this.mouth = new Resampler(sampleRate, rate);
    this.frame = new Float32Array(frame);
    this.filled = 0;
    this.playout = new Playout(this.ear, frame / rate);
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
    this.playout.play(played, currentTime);
    if (spoken) this.speak(spoken);
    return this.open;
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
