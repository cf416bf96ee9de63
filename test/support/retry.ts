/**
 * For tests that share this machine's network and clock with everything else on it: a stray segment of an old connection
 * to the same port, or a processor that was away for a second, is no fault of what is tested. Each gets a second try; the
 * first failure is printed all the same, and a real fault fails twice.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true });
