/**
 * fast-check, with an end to its search for a smaller example: of a property that runs for a second, that may take half an
 * hour, in which nobody sees what failed.
 */
import fc from 'fast-check';

/** Of all runs of one property, and of making its example smaller. Longer than any of them takes on a slow machine. */
const LIMIT_MS = 120_000;

// Whoever is interrupted before anything failed has not shown that it holds.
fc.configureGlobal({ interruptAfterTimeLimit: LIMIT_MS, markInterruptAsFailure: true });

export default fc;
