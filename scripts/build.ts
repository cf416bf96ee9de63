import { buildAll, isTargetName, TARGET_NAMES } from './build/targets';
import { StepError } from './setup/steps.mjs';

/** `npm run build [-- name…]`: everything there is to build, or what is named and nothing before it. */
export async function main(names: string[]): Promise<void> {
  const unknown = names.find((name) => !isTargetName(name));
  if (unknown !== undefined) {
    throw new StepError(`There is no "${unknown}" to build; there are: ${TARGET_NAMES.join(', ')}.`);
  }
  await buildAll(names.length > 0 ? names.filter(isTargetName) : TARGET_NAMES);
}
