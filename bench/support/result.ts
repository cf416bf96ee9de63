/** What one benchmark found, as it is kept: every value of every round. The document is made of these files alone. */
import type { Machine } from './machine';

export interface Result extends Declared {
  /** The script's name: `npm run bench -- <question>`. */
  question: string;
  /** The day, as 2026-01-31. */
  date: string;
  machine: Machine;
  contenders: Array<{ name: string; version: string }>;
  /** Who could have taken part, and why not. */
  missing: Array<{ name: string; reason: string }>;
  rounds: number;
  seconds: number;
  /** Figure → contender → one value a round. */
  values: Record<string, Record<string, number[]>>;
  /** Curve → line → places with one value a round. */
  places: Record<string, Record<string, Place[]>>;
}

/** What a benchmark says of itself before it has run. */
export interface Declared {
  title: string;
  /** The question, in one sentence. */
  asks: string;
  /** How it is answered, and what the figures do not hold. */
  method: string;
  figures: Record<string, Figure>;
  ratios: Ratio[];
  curves: Record<string, Curve>;
}

export interface Figure {
  name: string;
  unit: string;
  goals?: Array<Goal & { of: string }>;
}

/** Two contenders' figures, one over the other, within each round. */
export interface Ratio {
  name: string;
  figure: string;
  of: string;
  to: string;
  goal?: Goal;
  /** A contender that is `to` once more: what its ratio is away from 1, a goal has to be further away to be held. */
  control?: string;
}

/** A cost against what it may grow with; its exponent is the answer. */
export interface Curve {
  name: string;
  unit: string;
  /** What it is drawn against: "pods". */
  across: string;
}

/** Of the median. */
export interface Goal {
  atMost?: number;
  atLeast?: number;
}

export interface Place {
  x: number;
  values: number[];
}
