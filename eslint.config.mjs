import { defineConfig } from 'eslint/config';
import prettier from 'eslint-config-prettier';
import grafanaConfig from './.config/eslint.config.mjs';

/** Who may import whom (ARCHITECTURE.md): each folder names the ones it must not reach into. */
const boundary = (folder, forbidden) => ({
  files: [`${folder}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ group: forbidden.map((name) => `**/${name}/**`), message: `${folder}/ may not import this.` }] },
    ],
  },
});

export default defineConfig([
  {
    ignores: [
      'node_modules/',
      'dist/',
      'build/',
      'bpf/.output/',
      'native/build/',
      '**/generated/',
      'coverage/',
      '.config/',
    ],
  },
  ...grafanaConfig,
  boundary('wire', ['agent', 'native', 'src', 'preview']),
  boundary('native', ['agent', 'wire', 'src', 'preview']),
  boundary('agent/collect', ['query', 'cluster', 'http', 'src', 'preview']),
  boundary('agent/pin', ['query', 'cluster', 'http', 'src', 'preview']),
  boundary('agent/identity', ['collect', 'query', 'cluster', 'http', 'native', 'src', 'preview']),
  boundary('agent/history', ['collect', 'identity', 'query', 'cluster', 'http', 'native', 'src', 'preview']),
  boundary('agent/query', ['collect', 'identity', 'cluster', 'http', 'native', 'src', 'preview']),
  boundary('agent/http', ['identity', 'src', 'preview']),
  boundary('src', ['agent', 'native', 'preview']),
  {
    files: ['{agent,wire,native,scripts,demo,bench,test}/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // One bundle serves Grafana 10.2 to 13: what the newest deprecates is often all that the oldest has.
    files: ['src/**/*.{ts,tsx}'],
    rules: { '@typescript-eslint/no-deprecated': 'off' },
  },
  prettier,
]);
