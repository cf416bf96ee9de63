/** Bundles the preview page into build/preview/. `npx tsx preview/build.ts`; does nothing when nothing changed. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Plugin, build } from 'esbuild';

const ROOT = path.resolve(__dirname, '..');
const PAGE = path.join(__dirname, 'page');
/** Where the bundled page lies. */
export const PREVIEW_OUTPUT = path.join(ROOT, 'build', 'preview');
const STAMP = path.join(PREVIEW_OUTPUT, 'stamp');

/** Builds the page unless the one that is there was built from the same sources and packages. */
export async function buildPreview(): Promise<{ built: boolean }> {
  const stamp = await fingerprint();
  if ((await readFile(STAMP, 'utf8').catch(() => '')) === stamp) {
    return { built: false };
  }
  await rm(PREVIEW_OUTPUT, { recursive: true, force: true });
  await mkdir(PREVIEW_OUTPUT, { recursive: true });
  await bundle();
  await copyAssets();
  await writeFile(STAMP, stamp);
  return { built: true };
}

async function bundle(): Promise<void> {
  const grafana = JSON.parse(await readFile(fromModules('@grafana/ui/package.json'), 'utf8'));
  await build({
    entryPoints: { preview: path.join(PAGE, 'main.tsx') },
    outdir: PREVIEW_OUTPUT,
    bundle: true,
    minify: true,
    sourcemap: true,
    // The component stacks of React's errors are of use only with the names kept.
    keepNames: true,
    format: 'iife',
    target: 'es2022',
    platform: 'browser',
    // @grafana/* publish "import" and "require" builds side by side; one copy of each, or contexts would not meet.
    conditions: ['import', 'module', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.env': '{}',
      global: 'globalThis',
      GRAFANA_VERSION: JSON.stringify(grafana.version),
    },
    // The code editor is as large as all the rest, and no Ringside editor uses it.
    alias: { 'monaco-editor': path.join(PAGE, 'runtime', 'noMonaco.ts') },
    plugins: [compiledDefaults],
    loader: { '.svg': 'dataurl', '.woff2': 'file' },
    logLevel: 'error',
  });
}

/**
 * CommonJS that was compiled from ES modules. The .mjs files of @grafana/ui would get the whole module for its default,
 * as Node has it; Grafana's own build takes the default out, and so does this.
 */
const compiledDefaults: Plugin = {
  name: 'compiled-defaults',
  setup({ onResolve, onLoad }) {
    const namespace = 'compiled-default';
    const filter =
      /^(calculate-size|is-hotkey|react-custom-scrollbars-2|react-highlight-words|@rc-component\/picker\/lib\/.*)$/;
    onResolve({ filter }, ({ path: name, resolveDir, namespace: importer }) =>
      importer === namespace ? undefined : { path: name, namespace, pluginData: resolveDir }
    );
    onLoad({ filter: /.*/, namespace }, ({ path: name, pluginData: resolveDir }) => ({
      contents: `export { default } from '${name}'; export * from '${name}';`,
      resolveDir,
    }));
  },
};

/** Icons and fonts, at the addresses where @grafana/ui looks for them. */
async function copyAssets(): Promise<void> {
  await cp(path.join(PAGE, 'index.html'), path.join(PREVIEW_OUTPUT, 'index.html'));
  const assets = path.join(PREVIEW_OUTPUT, 'public');
  await cp(fromModules('@grafana/ui/dist/public/img'), path.join(assets, 'build', 'img'), { recursive: true });
  // The package leaves out a few that its own components use.
  await cp(path.join(PAGE, 'icons'), path.join(assets, 'build', 'img', 'icons', 'unicons'), { recursive: true });
  const inter = (style: string) => fromModules(`@fontsource/inter/files/inter-latin-${style}.woff2`);
  const fonts: Record<string, string> = {
    'inter/Inter-Regular.woff2': inter('400-normal'),
    'inter/Inter-Medium.woff2': inter('500-normal'),
    'inter/Inter-Italic.woff2': inter('400-italic'),
    'inter/Inter-MediumItalic.woff2': inter('500-italic'),
    'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2': fromModules(
      '@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2'
    ),
  };
  for (const [name, source] of Object.entries(fonts)) {
    await cp(source, path.join(assets, 'fonts', name));
  }
}

/** Of everything the page is made from: its sources, this script, and the versions of the packages. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  const sources = (await readdir(PAGE, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  for (const file of [...sources, __filename, path.join(ROOT, 'package-lock.json')]) {
    hash.update(path.relative(ROOT, file)).update(await readFile(file));
  }
  return hash.digest('hex');
}

function fromModules(name: string): string {
  return path.join(ROOT, 'node_modules', name);
}

if (require.main === module) {
  buildPreview().then(
    ({ built }) => console.log(built ? 'Built the preview page.' : 'The preview page is up to date.'),
    (error: Error) => {
      console.error(`The preview page could not be built: ${error.message}`);
      process.exitCode = 1;
    }
  );
}
