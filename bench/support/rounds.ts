/** Rounds in which every contender takes its turn. */

export interface Contender {
  name: string;
  version: string;
  /** One turn. @returns figures by their keys; a contender leaves out those that it does not have */
  measure(): Promise<Record<string, number>>;
}

export interface Turn {
  /** From 0; −1 is the warm-up, which is not counted. */
  round: number;
  contender: Contender;
  figures: Record<string, number>;
}

/**
 * All contenders once to warm up, then `rounds` times. Each round begins with another one of them, so that being first,
 * or being after the greediest, is everybody's lot in turn.
 */
export async function* interleave(contenders: readonly Contender[], rounds: number): AsyncGenerator<Turn> {
  for (let round = -1; round < rounds; round++) {
    for (let n = 0; n < contenders.length; n++) {
      const contender = contenders[(Math.max(round, 0) + n) % contenders.length];
      yield { round, contender, figures: await contender.measure() };
    }
  }
}
