import { StepError } from './steps.mjs';

/** The oldest Node that runs everything here; package.json says the same under "engines". */
const OLDEST = [20, 11];

export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new StepError(
      `Ringside needs Node ${OLDEST.join('.')} or newer, and this is Node ${version}. Install Node 20, 22 or 24 ` +
        '(https://nodejs.org/en/download) and run this again.'
    );
  }
}
