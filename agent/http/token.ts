/** The bearer token, kept in a file so that it can be changed without a restart and never shows in a process list. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Refusal } from '../refusal';
import { fileIdentity } from './file-identity';

/** How long a token that was taken back may still work, and how often the file is looked at, at most. */
const RECHECK_MS = 1_000;

export class TokenFile {
  readonly #path: string;
  readonly #onProblem: (message: string) => void;
  /** Of the token, so that tokens of any length compare in the same time. `null`: nobody gets in. */
  #digest: Buffer | null;
  #identity: string;
  #checkedMs = Date.now();

  /**
   * @param onProblem told when the file becomes unusable later; until it is usable again every token is refused
   * @throws Refusal
   */
  constructor(path: string, onProblem: (message: string) => void = () => {}) {
    this.#path = path;
    this.#onProblem = onProblem;
    this.#identity = fileIdentity(path);
    this.#digest = digestOf(readToken(path));
  }

  /** Takes the same time for every wrong token. */
  matches(token: string): boolean {
    this.#reload();
    return this.#digest !== null && timingSafeEqual(digestOf(token), this.#digest);
  }

  #reload(): void {
    const nowMs = Date.now();
    if (Math.abs(nowMs - this.#checkedMs) < RECHECK_MS) {
      return;
    }
    this.#checkedMs = nowMs;
    const identity = fileIdentity(this.#path);
    if (identity === this.#identity) {
      return;
    }
    this.#identity = identity;
    try {
      this.#digest = digestOf(readToken(this.#path));
    } catch (error) {
      this.#digest = null;
      this.#onProblem((error as Error).message);
    }
  }
}

function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Refusal(`The token file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  const token = text.trim();
  if (token === '') {
    throw new Refusal(
      `The token file ${path} is empty: write one line with the token, for example from "openssl rand -hex 32".`
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Refusal(`The token file ${path} has more than one word, or characters a header cannot carry.`);
  }
  return token;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
