/** What the guest tells, one JSON object a line. */
import type { Status } from '../../../wire/status';

/** What the process of one file of tests tells. */
export type Told =
  | { event: 'test'; name: string; failure?: string; milliseconds: number; tries: number }
  /** All of its tests have been told, or something other than a test has failed. */
  | { event: 'ended'; failure?: string };

export type Line =
  | { event: 'booted'; release: string }
  /** The built agent has started by itself; `failure` when it has not. */
  | { event: 'agent'; startMs: number; status?: Pick<Status, 'programs' | 'notices'>; failure?: string }
  | (Told & { suite: string })
  /** All is told. */
  | { event: 'done'; milliseconds: number };
