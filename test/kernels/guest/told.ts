/** What the guest tells, one JSON object a line. */
import type { Status } from '../../../wire/status';

/** What the process of one file of tests tells. */
export type Told =
  /** `firstFailure`: of one that has passed at its second try. */
  | { event: 'test'; name: string; failure?: string; firstFailure?: string; milliseconds: number }
  /** All of its tests have been told, or something other than a test has failed. */
  | { event: 'ended'; failure?: string };

export type Line =
  | { event: 'booted'; release: string }
  /** The built agent has started by itself; `failure` when it has not. */
  | { event: 'agent'; startMs: number; status?: Pick<Status, 'programs' | 'notices'>; failure?: string }
  | (Told & { suite: string })
  /** Nothing but that the machine still runs. */
  | { event: 'alive' }
  /** All is told. */
  | { event: 'done'; milliseconds: number };
