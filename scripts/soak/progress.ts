/** One line that says how it goes: over itself on a terminal, else one a minute. */
import type { Sample } from './sampler';
import { duration } from './verdicts';

const DRAW_MS = 1_000;
const REPEAT_MS = 60_000;
const MB = 1_000_000;

export interface Going {
  seconds: number;
  /** How it will end: "10 min", "1,000 kills". */
  goal: string;
  pods: number;
  restarts: number;
  kills: number;
  sample?: Sample;
  /** Everything that is known to be wrong so far. */
  wrong: number;
}

export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;

  constructor(going: () => Going, out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    const draw = () => {
      const line = lineOf(going());
      out.write(out.isTTY ? `\r\x1b[2K${line.slice(0, (out.columns ?? 80) - 1)}` : `${line}\n`);
    };
    draw();
    this.#timer = setInterval(draw, out.isTTY ? DRAW_MS : REPEAT_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#out.isTTY) {
      this.#out.write('\r\x1b[2K');
    }
  }
}

function lineOf({ seconds, goal, pods, restarts, kills, sample, wrong }: Going): string {
  const parts = [
    `  ${duration(seconds)} of ${goal}`,
    `${pods} pods`,
    ...(sample ? [`${sample.answeredPerSecond.toFixed(0)} requests/s`, `agent ${megabytes(sample)} MB`] : []),
    `${restarts.toLocaleString('en')} restarts${kills > 0 ? `, ${kills.toLocaleString('en')} kills` : ''}`,
    wrong === 0 ? 'nothing wrong' : `${wrong.toLocaleString('en')} WRONG`,
  ];
  return parts.join(' · ');
}

function megabytes({ anonymousBytes, kernelMapBytes }: Sample): string {
  return `${(anonymousBytes / MB).toFixed(1)} + ${(kernelMapBytes / MB).toFixed(1)}`;
}
