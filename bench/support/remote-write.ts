/**
 * Prometheus' remote write, by hand: the one way to give a database a day that has not passed. A protocol buffer of a
 * few fields, in a Snappy block of nothing but literals, which every reader takes.
 *
 * https://prometheus.io/docs/concepts/remote_write_spec/
 */

/** Names and values, sorted by name; `__name__` among them. */
export type Labels = ReadonlyArray<readonly [name: string, value: string]>;

/** Wire types of protocol buffers. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** A growing buffer with what protocol buffers are made of. */
export class Writer {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What has been written; valid until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** @param value a whole number from 0, exact as a double */
  varint(value: number): void {
    this.#room(10);
    while (value >= 0x80) {
      this.#bytes[this.#length++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#bytes[this.#length++] = value;
  }

  tag(field: number, type: number): void {
    this.varint(field * 8 + type);
  }

  number(field: number, value: number): void {
    this.tag(field, VARINT);
    this.varint(value);
  }

  /** A small number of either sign; 0, −1, 1, −2 are 0, 1, 2, 3. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(field: number, value: number): void {
    this.tag(field, FIXED64);
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.tag(field, BYTES);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  string(field: number, text: string): void {
    this.bytes(field, Buffer.from(text));
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #room(bytes: number): void {
    if (this.#length + bytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
  }
}

/** A `TimeSeries` message's labels. */
export function labelsMessage(labels: Labels): Buffer {
  const [all, one] = [new Writer(), new Writer()];
  for (const [name, value] of labels) {
    one.clear();
    one.string(1, name);
    one.string(2, value);
    all.bytes(1, one.written);
  }
  return Buffer.from(all.written);
}

/** A day's part for one database, sent in requests of bounded size. */
export class RemoteWrite {
  readonly #request = new Writer();
  readonly #series = new Writer();
  readonly #sample = new Writer();

  /** @param url of the database's endpoint */
  constructor(private readonly url: string) {}

  /** @param labels as `labelsMessage` made them @param values at the instants, in order */
  async samples(labels: Uint8Array, instantsMs: readonly number[], values: ArrayLike<number>): Promise<void> {
    const [series, sample] = [this.#series, this.#sample];
    series.clear();
    series.raw(labels);
    for (let i = 0; i < instantsMs.length; i++) {
      sample.clear();
      sample.double(1, values[i]);
      sample.number(2, instantsMs[i]);
      series.bytes(2, sample.written);
    }
    await this.#add(series);
  }

  /** @param histograms whole messages, as `NativeHistogram` makes them */
  async histograms(labels: Uint8Array, histograms: readonly Uint8Array[]): Promise<void> {
    this.#series.clear();
    this.#series.raw(labels);
    histograms.forEach((histogram) => this.#series.bytes(4, histogram));
    await this.#add(this.#series);
  }

  async #add(series: Writer): Promise<void> {
    this.#request.bytes(1, series.written);
    if (this.#request.length > REQUEST_BYTES) {
      await this.flush();
    }
  }

  /** @throws Error with what the database says */
  async flush(): Promise<void> {
    if (this.#request.length === 0) {
      return;
    }
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: snappyLiterals(this.#request.written),
    });
    const said = await response.text();
    if (!response.ok) {
      throw new Error(`${this.url} answered ${response.status}: ${said.slice(0, 500)}`);
    }
    this.#request.clear();
  }
}

const REQUEST_BYTES = 4 * 1024 * 1024;
/** The longest literal whose length takes two bytes. */
const LITERAL_BYTES = 65_536;
const LITERAL_OF_TWO_BYTES = 61 << 2;

/** Snappy's block format without a single copy: its length, then literals. */
export function snappyLiterals(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const writer = new Writer();
  writer.varint(bytes.length);
  for (let at = 0; at < bytes.length; at += LITERAL_BYTES) {
    const literal = bytes.subarray(at, at + LITERAL_BYTES);
    const less = literal.length - 1;
    writer.raw(Uint8Array.of(LITERAL_OF_TWO_BYTES, less & 0xff, less >> 8));
    writer.raw(literal);
  }
  return Buffer.from(writer.written);
}
