// Three outputs of one source: the page, the element, the React component; then the manifest with the element's hash.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = {
  root,
  configFile: /** @type {const} */ (false),
  logLevel: /** @type {const} */ ('warn'),
  base: '/console/',
  plugins: [react()],
};
const target = 'es2023';
// light-dark() is kept as it is: its compiled form would need the host's cooperation.
const cssTarget = ['chrome123', 'firefox121', 'safari17.5'];

await build({ ...shared, build: { target, cssTarget, emptyOutDir: true, modulePreload: { polyfill: false } } });

/**
 * The section sends its changes by itself, so that no secret lies in a cache, and has no endless lists. Leaving out those
 * parts of the query library keeps the element inside its budget, and the cache of mutations cannot be used by mistake.
 */
const withoutMutations = {
  name: 'without-mutations',
  /** @param {string} id */
  load(id) {
    if (/query-core\/build\/modern\/mutationCache\.js$/.test(id)) {
      return 'export class MutationCache { resumePausedMutations() { return Promise.resolve(); } clear() {} }';
    }
    if (/query-core\/build\/modern\/infiniteQueryBehavior\.js$/.test(id)) {
      const missing = '() => { throw new Error("no endless lists here"); }';
      return ['infiniteQueryBehavior', 'hasNextPage', 'hasPreviousPage']
        .map(name => `export const ${name} = ${missing};`)
        .join('\n');
    }
    return undefined;
  },
};

/** @param {string} name @param {RegExp[]} external @param {boolean} whole */
const library = (name, external, whole) =>
  build({
    ...shared,
    plugins: [react(), withoutMutations],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      target,
      cssTarget,
      emptyOutDir: false,
      copyPublicDir: false,
      modulePreload: false,
      rollupOptions: {
        input: `${root}entry/${name === 'embed' ? 'element' : name}.tsx`,
        external,
        preserveEntrySignatures: 'strict',
        output: {
          format: 'es',
          entryFileNames: `${name}.js`,
          chunkFileNames: `${name}-[name]-[hash].js`,
          codeSplitting: !whole,
        },
      },
    },
  });

await library('embed', [], true);
await library('react', [/^react(-dom)?($|\/)/], false);

const embed = readFileSync(`${root}dist/embed.js`);
const integrity = `sha384-${createHash('sha384').update(embed).digest('base64')}`;
const assets = readdirSync(`${root}dist/assets`).map(name => `assets/${name}`);
const manifest = { page: 'index.html', assets, embed: { file: 'embed.js', integrity }, react: 'react.js' };
writeFileSync(`${root}dist/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
