/** What there is to build, in the order in which one needs the other. */
import { run, step, type Log } from '../setup/steps.mjs';
import { bundleAgent, bundleDemo } from './bundles';
import { filesBelow, fingerprint, isUpToDate, stamp, type Parts } from './fingerprint';

interface Target extends Parts {
  title: string;
  build(log: Log): Promise<void>;
}

const NODE = process.execPath;
/** Every package that can end up in a bundle, by version. */
const PACKAGES = 'package-lock.json';

const TARGETS = {
  bpf: {
    title: 'BPF programs',
    inputs: ['bpf'],
    outputs: bpfObjects(),
    build: (log) => run(log, 'make', ['-C', 'bpf']),
  },
  native: {
    title: 'Native addon',
    inputs: ['native/binding.gyp', 'native/build.mjs', 'native/src'],
    settings: [process.versions.modules, process.arch],
    outputs: ['native/build/Release/ringside.node'],
    build: (log) => run(log, NODE, ['native/build.mjs']),
  },
  agent: {
    title: 'Agent',
    inputs: ['agent', 'wire', 'native', 'bpf', 'scripts/build', 'package.json', PACKAGES],
    settings: [process.versions.modules, process.arch],
    outputs: ['build/agent/main.js', 'build/agent/ringside.node'],
    build: bundleAgent,
  },
  plugin: {
    title: 'Grafana plugin',
    inputs: ['src', 'wire', '.config', 'package.json', 'CHANGELOG.md', 'LICENSE', 'README.md', PACKAGES],
    outputs: ['dist/module.js', 'dist/plugin.json'],
    build: buildPlugin,
  },
  preview: {
    title: 'Preview page',
    inputs: ['preview', 'wire', PACKAGES],
    outputs: ['build/preview/index.html'],
    build: (log) => run(log, NODE, ['--import', 'tsx', 'preview/build.ts']),
  },
  demo: {
    title: 'Demo shop',
    inputs: ['demo', 'scripts/build/bundles.ts'],
    outputs: ['build/demo/main.js'],
    build: bundleDemo,
  },
} satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(TARGETS, name);
}

export async function buildAll(names: readonly TargetName[] = TARGET_NAMES): Promise<void> {
  for (const name of names) {
    await build(name, TARGETS[name]);
  }
}

/** Builds one thing unless what is there was built from the same sources. */
async function build(name: TargetName, target: Target): Promise<void> {
  await step(target.title, async (log) => {
    if (isUpToDate(name, target)) {
      return 'up to date';
    }
    const taken = fingerprint(target);
    await target.build(log);
    stamp(name, taken);
    return undefined;
  });
}

function bpfObjects(): string[] {
  return filesBelow('bpf')
    .filter((file) => /^bpf\/[^/]+\.bpf\.c$/.test(file))
    .map((file) => file.replace(/^bpf\/(.*)\.c$/, 'bpf/.output/$1.o'));
}

function buildPlugin(log: Log): Promise<void> {
  const config = ['--config', '.config/webpack/webpack.config.ts', '--env', 'production'];
  return run(log, NODE, ['node_modules/webpack-cli/bin/cli.js', ...config]);
}
