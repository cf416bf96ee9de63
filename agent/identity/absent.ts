/** A source that is not there: it knows nothing, and says why. */
import type { IdentitySource, SourceStatus } from './source';

export class Absent implements IdentitySource {
  readonly status: SourceStatus;

  constructor(
    readonly name: IdentitySource['name'],
    reason: string
  ) {
    this.status = { state: 'off', reason, known: 0 };
  }

  identify(): undefined {}

  onChange(): void {}

  start(): void {}

  async stop(): Promise<void> {}
}
