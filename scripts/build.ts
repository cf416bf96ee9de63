import { buildAll } from './build/targets';

/** `npm run build`: everything there is to build. */
export async function main(): Promise<void> {
  await buildAll();
}
