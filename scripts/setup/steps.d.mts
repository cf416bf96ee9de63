/** The types of steps.mjs, for the scripts that are TypeScript. */
import type { SpawnOptions } from 'node:child_process';

/** The root of the checkout, with a slash at its end. */
export const ROOT: string;

export class StepError extends Error {
  constructor(message: string);
}

export interface Log {
  readonly path: string;
  write(text: string): void;
}

export function step(title: string, work: (log: Log) => Promise<string | void> | string | void): Promise<void>;

export function run(log: Log, command: string, args: readonly string[], options?: SpawnOptions): Promise<void>;
