/**
 * Where names come from: the path of a cgroup says which pod or container it is, a source knows what it is called.
 *
 * A source never blocks and never throws into the agent: as long as it knows nothing it says so in its status, and
 * the series carry what the path alone says. Names are given out cleaned (names.ts): they come from workloads.
 */
import type { Place } from './place';

/** What a source knows of an owner. A field it does not know is absent, never empty. */
export interface Identity {
  namespace?: string;
  pod?: string;
  container?: string;
  workload?: string;
  /** Labels of the pod, for selectors. */
  podLabels?: ReadonlyMap<string, string>;
  /** False: the pod asks, as a label or an annotation `ringside.io/observe: "false"`, to be left alone. */
  observe?: boolean;
}

/** Off: not asked for, or nothing there to ask. Failing: it was reached or should have been, and the reason says more. */
export type SourceState = 'off' | 'connecting' | 'ready' | 'failing';

export interface SourceStatus {
  state: SourceState;
  /** One sentence, empty when it is ready. */
  reason: string;
  /** Containers or pods known. */
  known: number;
}

export interface IdentitySource {
  readonly name: 'kubernetes' | 'docker';
  /** What is known of an owner; undefined: nothing (yet). */
  identify(place: Place): Identity | undefined;
  /** Called whenever an answer of `identify` may have changed. */
  onChange(listener: () => void): void;
  readonly status: SourceStatus;
  start(): void;
  /** Lets go of every connection and timer; what was known stays known. */
  stop(): Promise<void>;
}
