// Times in tests are UTC, wherever they run.
process.env.TZ = 'UTC';

const grafana = require('./.config/jest.config');
const { grafanaESModules, nodeModulesToTransform } = require('./.config/jest/utils');

const transform = { '^.+\\.m?[tj]sx?$': Object.values(grafana.transform)[0] };
// These publish ES modules only; Jest has to transform them.
const esModules = ['typebox', '@fastify/type-provider-typebox', 'cookie', 'fast-check', 'pure-rand', 're2js'];

/** Slow, and the only ones that need a container engine. */
const DOCKER = '/test/package/docker';

/** For those that depend on more than themselves. */
const retry = { setupFilesAfterEnv: ['<rootDir>/test/support/retry.ts'] };

/** Everything that runs in Node. */
const node = (name, folders, rest = {}) => ({
  displayName: name,
  testEnvironment: 'node',
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
  moduleFileExtensions: ['ts', 'tsx', 'js', 'mjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/dist/'],
  transform,
  transformIgnorePatterns: [`node_modules/(?!(${esModules.join('|')})/)`],
  ...rest,
});

module.exports = {
  // Longer than `until` waits, which says for what.
  testTimeout: 30_000,
  projects: [
    {
      ...grafana,
      displayName: 'plugin',
      testMatch: ['<rootDir>/test/src/**/*.test.{ts,tsx}'],
      moduleFileExtensions: ['ts', 'tsx', 'js', 'jsx', 'mjs', 'json'],
      modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/dist/'],
      transform,
      // The tests hold what the plugin sends against the contract's schemas.
      transformIgnorePatterns: [nodeModulesToTransform([...grafanaESModules, ...esModules])],
    },
    node('unit', ['wire', 'agent', 'fuzz', 'package', 'preview'], { testPathIgnorePatterns: [DOCKER], ...retry }),
    // These need root and a kernel with BTF; they say so and fail where it is missing.
    node('kernel', ['kernel', 'native', 'scripts'], retry),
    node('e2e', ['e2e'], retry),
    // Builds the agent's image, and names containers, with engines of its own.
    node('docker', [], { testMatch: [`<rootDir>${DOCKER}*.test.ts`] }),
  ],
};
